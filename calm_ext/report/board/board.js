"use strict";
// The leaderboard: its columns sort and can be chosen, its rows can be filtered, and the address says how.
const main = document.querySelector("main"), form = document.querySelector("form"), status = document.getElementById("status");
const title = document.querySelector("h1"), whole = title.textContent;
const sections = [...main.querySelectorAll("section")], tables = sections.map(section => section.querySelector("table"));
const columns = new Map([...document.querySelectorAll("th[data-key]")].map(head => [head.dataset.key, head.querySelector("button").dataset.name]));
const headOf = (table, key) => [...table.tHead.rows[0].cells].find(head => head.dataset.key === key);
// As the tables came: to this they return where the address does not name a column to sort by.
const first = new Map(tables.map(table => [table, {
  rows: [...table.tBodies[0].rows].map(row => [row, row.cells[0].textContent]),
  head: table.tHead.querySelector("[aria-sort]"), way: table.tHead.querySelector("[aria-sort]")?.getAttribute("aria-sort"),
  by: table.querySelector(".by").textContent,
}]));
let query = {};

function marks(body) {
  let before = null;
  for (const row of body.rows) {
    const rank = row.cells[0].textContent, own = rank.replace("=", "").split("–").pop();
    row.classList.toggle("new", before !== null && own !== "" && own !== before);
    before = own || before;
  }
}
function sort(table, head, way) {
  const body = table.tBodies[0], given = first.get(table);
  for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
  if (!head) {
    for (const [row, rank] of given.rows) {
      row.cells[0].textContent = rank;
      body.append(row);
    }
    given.head?.setAttribute("aria-sort", given.way);
    table.querySelector(".by").textContent = given.by;
    marks(body);
    return;
  }
  head.setAttribute("aria-sort", way);
  const place = head.cellIndex, named = head.dataset.key === "model", sign = way === "ascending" ? 1 : -1;
  const value = row => { const cell = row.cells[place]; if (named) return cell.textContent; return cell.dataset.value === "" ? null : Number(cell.dataset.value); };
  const order = (a, b) => a === null ? (b === null ? 0 : 1) : b === null ? -1 : named ? sign * a.localeCompare(b) : sign * (a - b);
  const rows = [...body.rows].map(row => [value(row), row]).sort((x, y) => order(x[0], y[0]));
  for (const [, row] of rows) {
    if (!named) row.cells[0].textContent = row.cells[place].dataset.rank;
    body.append(row);
  }
  if (!named && table.closest("section").dataset.ranked) {
    const name = columns.get(head.dataset.key);
    table.querySelector(".by").textContent = head.dataset.ranked ? "Ranks are by " + name + "." : "By " + name + " there are no ranks.";
  }
  marks(body);
}
const shownOf = (n, all, what) => n + " of " + all + " " + what + (all === 1 ? "" : "s");
const cols = () => query.cols ? query.cols.split(",") : [...columns.keys()];

function filter() {
  const words = (query.find ?? "").toLowerCase().split(/\s+/).filter(Boolean), task = query.task ?? "";
  let rows = 0, all = 0, n = 0;
  for (const section of sections) {
    let here = 0;
    for (const row of section.querySelector("tbody").rows) {
      const name = row.cells[1].textContent.toLowerCase();
      row.hidden = !words.every(word => name.includes(word));
      all += 1;
      here += row.hidden ? 0 : 1;
    }
    section.hidden = !here || (task !== "" && section.dataset.task !== task);
    if (!section.hidden) { rows += here; n += 1; }
  }
  const wanted = cols();
  for (const table of tables) {
    for (const head of table.tHead.rows[0].cells) {
      if (!head.dataset.key || head.dataset.key === "model") continue;
      const hidden = !wanted.includes(head.dataset.key);
      head.hidden = hidden;
      for (const row of table.tBodies[0].rows) row.cells[head.cellIndex].hidden = hidden;
    }
  }
  // The headline is of what is shown: of all tasks, of one, or of the models with these words in their names.
  const one = sections.find(section => section.dataset.task === task);
  title.textContent = words.length ? "Models with “" + words.join(" ") + "” in their name" + (one ? ", " + task : "") : one ? one.dataset.headline : whole;
  status.textContent = shownOf(rows, all, "result") + " in " + shownOf(n, sections.length, "table") + (rows ? "." : ". Nothing matches: change the name or the task.");
}

// Show what the address says; what is not there is said and left out.
function show() {
  query = address.read().query;
  const key = (query.sort ?? "").replace(/^-/, ""), tasks = sections.map(section => section.dataset.task);
  const known = { sort: [key, [...columns.keys()]], task: [query.task, tasks], cols: [(query.cols ?? "").split(",").find(x => x && x !== "none" && !columns.has(x)), []] };
  const wrong = Object.entries(known).filter(([, [value, values]]) => value && !values.includes(value));
  for (const [name] of wrong) delete query[name];
  for (const table of tables) sort(table, query.sort ? headOf(table, key) : null, (query.sort ?? "").startsWith("-") ? "descending" : "ascending");
  form.elements.model.value = query.find ?? "";
  form.elements.task.value = query.task ?? "";
  for (const box of form.querySelectorAll("[name=column]")) box.checked = cols().includes(box.value);
  filter();
  for (const [name, [value]] of wrong) status.textContent += " The address has " + name + "=" + value + ", which is not there.";
}
function change(more) {
  Object.assign(query, more);
  address.write(query);
}
for (const button of document.querySelectorAll("thead button")) {
  button.disabled = false;
  button.addEventListener("click", () => {
    const head = button.closest("th"), turned = { ascending: "descending", descending: "ascending" };
    const way = turned[head.getAttribute("aria-sort")] ?? head.dataset.first;
    change({ sort: (way === "descending" ? "-" : "") + head.dataset.key });
    for (const table of tables) if (headOf(table, head.dataset.key)) sort(table, headOf(table, head.dataset.key), way);
    status.textContent = "Sorted by " + button.dataset.name + ", " + way + ".";
  });
}
const chosen = document.getElementById("columns");
for (const [key, name] of columns) {
  if (key === "model") continue;
  const label = document.createElement("label"), box = document.createElement("input");
  Object.assign(box, { type: "checkbox", name: "column", value: key });
  label.append(box, name);
  chosen.append(label);
}
form.hidden = false;
form.addEventListener("submit", event => event.preventDefault());
form.addEventListener("input", () => {
  const boxes = [...form.querySelectorAll("[name=column]")], on = boxes.filter(box => box.checked);
  change({ find: form.elements.model.value, task: form.elements.task.value, cols: on.length === boxes.length ? "" : on.map(box => box.value).join(",") || "none" });
  filter();
});
form.addEventListener("reset", () => setTimeout(() => { address.write({}); show(); }));
address.follow(show);
show();
