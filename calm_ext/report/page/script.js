
"use strict";
// The browser of questions. Everything that a model or a data set wrote goes into text nodes, never into markup.
// A row: id, right answer, move, questions, options, passages, then answers and responses for each evaluation;
// texts are numbers of `strings`, in the order of the task's languages.
(() => {
  const PER_PAGE = 20;
  const data = JSON.parse(document.getElementById("questions-data").textContent);
  const $ = (id) => document.getElementById(id);
  let lower = null;  // made when text is first searched for
  let page = 0, found = [], opened = null;  // opened: the id of the question that the address names

  // The filters about single answers; those about the question as a whole are data.moves.
  const FLIPS = {
    "any": ["any question", () => true],
    "changed": ["an answer changed", (b, a) => b !== a],
    "gained": ["an answer became right", (b, a, g) => g !== null && b !== g && a === g],
    "lost": ["an answer became wrong", (b, a, g) => g !== null && b === g && a !== g],
    "wrong": ["an answer is wrong after", (b, a, g) => g !== null && a !== g],
    "unread": ["an answer could not be read", (b, a) => b === null || a === null],
  };

  function make(tag, content, attributes) {
    const node = document.createElement(tag);
    for (const child of [].concat(content ?? [])) node.append(child);
    for (const [key, value] of Object.entries(attributes ?? {})) node.setAttribute(key, value);
    return node;
  }
  const inLanguage = (code, more) => ({ lang: code, dir: data.languages[code][1], ...more });
  const letter = (i) => (i === null ? "no answer" : i < 26 ? String.fromCharCode(65 + i) : String(i + 1));
  const mark = (answer, gold) => (answer === null ? "?" : gold === null ? letter(answer) : answer === gold ? "✓" : "✗");
  const say = (answer, gold) => (answer === null ? "not read" : gold === null ? letter(answer) : answer === gold ? "right" : "wrong");
  const task = () => data.tasks[$("f-task").value];
  const answers = (row, i) => [row[6][i], row.length > 8 ? row[8][i] : row[6][i]];

  function long(number) {
    const cut = data.cut[number];
    const text = data.strings[number];
    return cut ? [text, make("span", `… (${cut.toLocaleString("en")} more characters)`, { class: "cut", lang: "en", dir: "ltr" })] : [text];
  }

  function matches(row, t, move, place) {
    if (!(move in FLIPS)) return row[2] === move;
    const flip = FLIPS[move][1];
    const one = (i) => flip(...answers(row, i), row[1]);
    return place >= 0 ? one(place) : t.languages.some((_, i) => one(i));
  }

  function place(t) { return t.languages.indexOf($("f-language").value); }

  function fill(select, pairs) {
    const kept = select.value;
    select.replaceChildren(...pairs.map(([value, label]) => make("option", label, { value })));
    if (pairs.some(([value]) => value === kept)) select.value = kept;
  }

  function choices() {
    const t = task();
    fill($("f-language"), [["", "all languages"], ...t.languages.map((x) => [x, data.languages[x][0]])]);
    const both = t.when.length > 1, at = place(t), counts = [];
    for (const key of [...Object.keys(FLIPS), ...(both ? Object.keys(data.moves) : [])]) {
      if (!both && ["changed", "gained", "lost"].includes(key)) continue;
      const n = t.rows.filter((row) => matches(row, t, key, at)).length;
      if (n || key === "any") counts.push([key, `${key in FLIPS ? FLIPS[key][0] : `the question ${data.moves[key]}`} (${n.toLocaleString("en")} ${n === 1 ? "question" : "questions"})`]);
    }
    fill($("f-move"), counts);
  }

  function search() {
    const t = task(), at = place(t), move = $("f-move").value, wanted = $("f-text").value.trim().toLocaleLowerCase();
    let rows = t.rows.filter((row) => matches(row, t, move, at));
    if (wanted) {
      lower ??= data.strings.map((s) => s.toLocaleLowerCase());
      const hit = lower.map((s) => s.includes(wanted));
      const some = (x) => (Array.isArray(x) ? x.some(some) : x !== 0 || hit[0] ? hit[x] === true : false);
      const parts = (row) => [row[3], row[4], row[5] || [], row[7] || [], row[9] || []];
      rows = rows.filter((row) => row[0].toLowerCase().includes(wanted) || parts(row).some(some));
    }
    found = rows;
    page = 0;
    const one = found.length === 1;
    $("found").textContent = `${found.length.toLocaleString("en")} of ${t.rows.length.toLocaleString("en")} questions ${one ? "matches" : "match"}.`;
    show();
  }

  function show() {
    const pages = Math.max(1, Math.ceil(found.length / PER_PAGE)), t = task();
    $("list").replaceChildren(...found.slice(page * PER_PAGE, (page + 1) * PER_PAGE).map((row) => item(row, t)));
    $("page").textContent = `page ${page + 1} of ${pages}`;
    $("previous").disabled = page === 0;
    $("next").disabled = page >= pages - 1;
    $("pager").hidden = pages < 2;
    $("on-paper").textContent = pages < 2 ? "" : `Only questions ${page * PER_PAGE + 1} to ${Math.min(found.length, (page + 1) * PER_PAGE)} of these ${found.length.toLocaleString("en")} are printed.`;  // the buttons are not
  }

  function item(row, t) {
    const first = Math.max(0, place(t)), code = t.languages[first];
    const tone = { "to-right": " good", "to-wrong": " bad", "apart": " bad" }[row[2]] ?? "";
    const marks = t.languages.map((x, i) => {
      const [b, a] = answers(row, i), gold = row[1];
      const both = t.when.length > 1;
      const better = b !== a && a === gold, worse = b !== a && b === gold;
      return make("span", [
        make("span", `${x} ${both ? mark(b, gold) + "→" : ""}${mark(a, gold)}`, { "aria-hidden": "true" }),
        make("span", `${data.languages[x][0]}: ${both ? say(b, gold) + ", then " : ""}${say(a, gold)}.`, { class: "vh" }),
      ], { class: better ? "up" : worse ? "down" : "" });
    });
    const node = make("details", make("summary", [
      make("span", `${row[0]}${row[2] ? " · " + data.moves[row[2]] : ""}`, { class: "tag" + tone }),
      make("span", data.strings[row[3][first]], inLanguage(code, { class: "head" })),
      make("span", marks, { class: "marks" }),
    ]), { class: "question" });
    node.dataset.id = row[0];
    node.open = row[0] === opened;
    node.addEventListener("toggle", () => {
      if (node.open && opened !== row[0]) {
        opened = row[0];
        remember(true);
      } else if (!node.open && opened === row[0]) {
        opened = null;
        remember();
      }
      if (node.open && node.children.length === 1) {
        const order = [...t.languages.keys()].sort((a, b) => (b === first) - (a === first));
        node.append(make("div", order.map((i) => version(row, t, i)), { class: "inside" }));
      }
    });
    return node;
  }

  function version(row, t, i) {
    const code = t.languages[i], gold = row[1], given = answers(row, i);
    const options = row[4][i].map((text, o) => {
      const notes = [];
      if (o === gold) notes.push(make("span", "right answer", { class: "mark gold", lang: "en", dir: "ltr" }));
      const times = t.when.filter((_, w) => given[w] === o).join(" and ");
      if (times) notes.push(make("span", `answered ${times}`, { class: "mark", lang: "en", dir: "ltr" }));
      return make("li", [make("b", make("bdi", letter(o) + ".")), " ", make("bdi", long(text)), ...notes]);
    });
    const parts = [
      make("h4", data.languages[code][0]),
      make("p", long(row[3][i]), inLanguage(code)),
      make("ol", options, inLanguage(code, { class: "options" })),
    ];
    const passages = row[5] ? row[5][i] : [];
    if (passages.length) {
      const list = passages.map((p) => make("p", long(p), { class: "said", dir: "auto" }));
      parts.push(make("details", [make("summary", `${passages.length} ${passages.length === 1 ? "passage" : "passages"} read`), ...list]));
    }
    const said = t.when.map((_, w) => (row[7 + 2 * w] ? row[7 + 2 * w][i] : null));
    const same = said.length > 1 && said[0] !== null && said[0] === said[1] && given[0] === given[1];
    const shown = same ? [["before and after", 0]] : t.when.map((when, w) => [when, w]);
    parts.push(make("dl", shown.map(([label, w]) => {
      const known = gold !== null && given[w] !== null;
      return make("div", [
        make("dt", `${label}: ${letter(given[w])}`, { class: known ? (given[w] === gold ? "yes" : "no") : "" }),
        ...(said[w] === null ? [] : [make("dd", long(said[w]), inLanguage(code, { class: "said" }))]),
      ]);
    }), { class: "answers" }));
    return make("div", parts, { class: "version" });
  }

  const usual = () => ([...$("f-move").options].some((x) => x.value === "changed") ? "changed" : "any");

  // What is chosen goes into the address; only an opened question makes an entry of the history, which Back closes.
  function remember(entry) {
    address.write({
      task: task() === data.tasks[0] ? "" : task().name, show: $("f-move").value === usual() ? "" : $("f-move").value,
      a: $("f-language").value, find: $("f-text").value.trim(), page: page ? page + 1 : "", open: opened,
    }, entry);
  }

  // Show what the address says; what is not there is said and left out.
  function restore() {
    const { query } = address.read(), wrong = [];
    const pick = (select, name, value) => {
      if ([...select.options].some((x) => x.value === value)) select.value = value;
      else wrong.push(`${name}=${query[name]}`);
    };
    const n = data.tasks.findIndex((t) => t.name === query.task);
    if (query.task && n < 0) wrong.push(`task=${query.task}`);
    $("f-task").value = String(Math.max(0, n));
    choices();
    pick($("f-language"), "a", query.a ?? "");
    choices();
    $("f-move").value = usual();
    if (query.show) pick($("f-move"), "show", query.show);
    $("f-text").value = query.find ?? "";
    opened = query.open ?? null;
    const seek = () => found.findIndex((row) => row[0] === opened);
    search();
    if (opened !== null && seek() < 0) {  // a question that is named is shown, whatever the filters
      Object.assign($("f-language"), { value: "" });
      choices();
      $("f-move").value = "any";
      $("f-text").value = "";
      search();
    }
    if (opened !== null && seek() < 0) {
      wrong.push(`open=${opened}`);
      opened = null;
    }
    page = opened !== null ? Math.floor(seek() / PER_PAGE) : Math.min(Math.max(0, (Number(query.page) || 1) - 1), Math.max(0, Math.ceil(found.length / PER_PAGE) - 1));
    show();
    if (wrong.length) $("found").textContent += ` The address has ${wrong.join(", ")}, which is not there.`;
    return Object.keys(query).length > 0;
  }

  const node = () => [...$("list").children].find((x) => x.dataset.id === opened);
  function change() {
    opened = null;
    search();
    remember();
  }
  fill($("f-task"), data.tasks.map((t, i) => [String(i), t.name]));
  let timer = 0;
  $("f-task").addEventListener("change", () => { choices(); change(); });
  $("f-language").addEventListener("change", () => { choices(); change(); });
  $("f-move").addEventListener("change", () => change());
  $("f-text").addEventListener("input", () => { clearTimeout(timer); timer = setTimeout(() => change(), 120); });
  $("filters").addEventListener("submit", (event) => event.preventDefault());
  const turn = (by) => { page += by; opened = null; show(); remember(); $("found").scrollIntoView(); };
  $("previous").addEventListener("click", () => turn(-1));
  $("next").addEventListener("click", () => turn(1));
  for (const part of document.querySelectorAll(".scroll")) if (part.scrollWidth > part.clientWidth) part.tabIndex = 0;
  $("filters").hidden = $("legend").hidden = false;
  address.follow(() => { restore(); node()?.scrollIntoView({ block: "nearest" }); });
  if (restore()) (node() ?? $("filters")).scrollIntoView();
})();
