"use strict";
// The view: a page that loads what it shows in parts (calm_ext/report/view/tables.py describes them).
// Whatever a model, a data set or a file name says goes into text nodes and attributes, never into markup.
(() => {
  const PER_PAGE = 50, MOST_BESIDE = 6, RESAMPLES = 2000, FEW = 20, SEED = 20261130, ALPHA = 0.05;
  const manifest = JSON.parse(document.getElementById("manifest").textContent);
  const main = document.getElementById("main"), status = document.getElementById("status");
  manifest.tables.forEach((table, number) => { table.number = number; });

  // --- parts -------------------------------------------------------------------------------------------------------

  const asked = new Map(), come = new Map();
  window.calmPart = (name, content) => { come.set(name, content); };

  function part(name) {
    if (!asked.has(name)) {
      asked.set(name, new Promise((resolve, reject) => {
        const tag = document.createElement("script");
        const failed = () => {
          asked.delete(name);
          tag.remove();
          reject(new Error(`data/${name}.js cannot be loaded: is the folder of this page whole?`));
        };
        tag.onload = () => {
          if (!come.has(name)) return failed();
          tag.remove();
          resolve(come.get(name));
        };
        tag.onerror = failed;
        tag.src = `data/${name}.js`;
        document.head.append(tag);
      }));
    }
    return asked.get(name);
  }

  // All items of a list, and one of them; `starts` has the index of each part's first item.
  async function all(name, starts, tell) {
    let n = 0;
    const parts = await Promise.all(starts.map(async (_, k) => {
      const found = await part(`${name}-${k}`);
      n += 1;
      if (tell && starts.length > 1) tell(n, starts.length);
      return found;
    }));
    return parts.flat();
  }
  async function one(name, starts, index) {
    let k = starts.length - 1;
    while (starts[k] > index) k -= 1;
    return (await part(`${name}-${k}`))[index - starts[k]];
  }

  const rowsOf = (t) => all(`${t.number}/rows`, t.starts.rows);
  const headsOf = (t) => all(`${t.number}/heads`, t.starts.heads);
  const textsOf = (t, tell) => all(`${t.number}/texts`, t.starts.texts, tell);
  const answersOf = (t, place, row) => all(`${t.number}/answers/${place}`, row.answers);
  const saidOf = (t, place, row, tell) => all(`${t.number}/said/${place}`, row.said, tell);

  // --- words and nodes -----------------------------------------------------------------------------------------------

  function make(tag, attributes, ...children) {
    const node = document.createElement(tag);
    for (const [key, value] of Object.entries(attributes ?? {})) {
      if (value === null || value === undefined || value === false) continue;
      if (key.startsWith("on")) node.addEventListener(key.slice(2), value);
      else node.setAttribute(key, value === true ? "" : value);
    }
    node.append(...children.flat().filter((x) => x !== null && x !== undefined && x !== ""));
    return node;
  }
  const number = (x, signed) => {
    if (x === null || x === undefined || Number.isNaN(x)) return "–";
    const whole = Math.floor(Math.abs(x) * 1000 + 0.5 + 1e-6) / 1000;  // as calm_ext/files/shown.py
    return (whole === 0 ? "" : x < 0 ? "−" : signed ? "+" : "") + whole.toFixed(3);
  };
  const interval = (ci, signed) => (ci && ci[0] !== null ? `[${number(ci[0], signed)}, ${number(ci[1], signed)}]` : "");
  const pValue = (p) => (p < 0.001 ? "<0.001" : number(p));
  const count = (n, what) => `${n.toLocaleString("en")} ${what}${n === 1 ? "" : "s"}`;
  const languageName = (code) => (manifest.languages[code] ?? [code])[0];
  const inLanguage = (code, more) => ({ lang: code, dir: (manifest.languages[code] ?? ["", "auto"])[1], ...more });
  const letter = (i) => (i < 0 ? "–" : i < 26 ? String.fromCharCode(65 + i) : String(i + 1));
  const capital = (text) => text.charAt(0).toUpperCase() + text.slice(1);
  const { link, read: place, write: remember } = address;
  const entryLink = (label, t, query) => link(["e", label, t.key], query);

  // A text may be cut: [beginning, characters left out, end].
  const whole = (text) => (Array.isArray(text) ? text[0] + (text[2] ?? "") : text);
  function long(text) {
    if (!Array.isArray(text)) return [text];
    const note = make("span", { class: "cut", lang: "en", dir: "ltr" }, ` … (${text[1].toLocaleString("en")} more characters) … `);
    return [text[0], note, text[2] ?? ""];
  }
  function choice(label, value, pairs, onchange, more) {
    const select = make("select", { onchange: () => onchange(select.value) }, pairs.map(([key, text]) => make("option", { value: key }, text)));
    select.value = pairs.some(([key]) => key === value) ? value : pairs[0][0];
    return make("label", more, label, select);
  }
  function typed(label, value, oninput, more) {
    let timer = 0;
    const input = make("input", { type: "search", autocomplete: "off", spellcheck: "false", oninput: () => {
      clearTimeout(timer);
      timer = setTimeout(() => oninput(input.value), 150);
    } });
    input.value = value;
    return make("label", more, label, input);
  }
  const tools = (label, ...children) => make("form", { class: "tools", "aria-label": label, onsubmit: (event) => event.preventDefault() }, ...children);
  const scroll = (label, table) => make("div", { class: "scroll", tabindex: "0", role: "group", "aria-label": `${label}, scrolls sideways` }, table);
  const cautions = (t) => t.warnings.map((x) => make("div", { class: "box bad" }, x));
  const nearChance = (row) => (row.near ? make("small", { class: "bad-text" }, " accuracy near chance") : null);
  const list = (items) => (items.length ? make("ul", { class: "notes" }, items.map((x) => make("li", {}, x))) : null);

  // The regular expression that was typed; null for none, an Error where it is none.
  function expression(text) {
    if (!text) return null;
    try {
      return new RegExp(text, "iu");
    } catch {
      try {
        return new RegExp(text, "i");
      } catch (error) {
        return new Error(`Not a regular expression: ${error.message}`);
      }
    }
  }

  // --- where we are --------------------------------------------------------------------------------------------------

  const tableOf = (key) => {
    const t = manifest.tables.find((x) => x.key === key);
    if (!t) throw new Error(`There is no task ${key} on this page.`);
    return t;
  };
  const rowOf = (rows, label) => {
    const i = rows.findIndex((r) => r.label === label);
    if (i < 0) throw new Error(`There is no entry ${label} in this table.`);
    return [rows[i], i];
  };
  // A value in the address that does not exist is an error; otherwise another list than the wanted one would be shown.
  function check(query, allowed) {
    for (const [name, values] of Object.entries(allowed)) {
      for (const value of (name === "cols" ? (query[name] ?? "").split(",") : [query[name] ?? ""])) {
        if (value === "" || values.includes(value)) continue;
        const few = values.length > 12 ? `${values.slice(0, 12).join(", ")}, …` : values.join(", ");
        throw new Error(`The address has ${name}=${value}, which is not there; choose one of: ${few}.`);
      }
    }
  }
  // An entry of the history remembers how far its page was scrolled.
  let resting = 0;
  history.scrollRestoration = "manual";
  const keepScroll = () => { if (!main.hasAttribute("aria-busy")) history.replaceState({ y: scrollY }, ""); };
  addEventListener("scroll", () => { clearTimeout(resting); resting = setTimeout(keepScroll, 120); });
  addEventListener("popstate", () => clearTimeout(resting));
  addEventListener("pagehide", keepScroll);
  document.addEventListener("click", keepScroll, true);

  const crumbs = (...parts) => make("nav", { class: "crumbs", "aria-label": "Where you are" }, make("a", { href: "#/" }, "All results"), parts.map((x) => [" › ", x]).flat());

  let turn = 0;
  async function show() {
    const mine = (turn += 1), { parts, query } = place(), first = !main.querySelector("h1"), y = history.state?.y;
    main.setAttribute("aria-busy", "true");
    let title = "Not found", nodes, target = null, ready = null;  // target: what the address speaks of, where it is not the top
    try {
      const views = { "": board, e: entry, q: question, d: difference };
      if (!views[parts[0]]) throw new Error("There is no such page here.");
      const found = await views[parts[0]](parts.slice(1), query);
      [title, ...nodes] = found;
      ({ target, ready } = found);
    } catch (error) {
      nodes = [crumbs(), make("h1", { class: "bad" }, "This cannot be shown"), make("p", { class: "box bad" }, error.message)];
    }
    if (mine !== turn) return;
    main.removeAttribute("aria-busy");
    main.replaceChildren(...nodes.filter((x) => x));
    document.title = title;
    status.textContent = title;
    const head = main.querySelector("h1");
    head.tabIndex = -1;
    if (!first) head.focus({ preventScroll: true });
    const arrive = () => (y !== undefined ? scrollTo(0, y) : target ? target.scrollIntoView() : scrollTo(0, 0));
    arrive();
    if (ready && (y || target)) ready.then(() => { if (mine === turn) arrive(); });
  }

  // Where a value of the table is taken apart: the query of the model's page, and words for it.
  function detailOf(t, c) {
    const code = c.key.replace(/^acc_/, "");
    if (c.key !== code && t.languages.includes(code)) return [{ show: "wrong", a: code }, `the questions it has wrong in ${languageName(code)}`];
    if (c.key === "answered") return [{ show: "unread" }, "the questions with an answer that could not be read"];
    if (c.key.startsWith("acc") || t.languages.length < 2) return [{ at: "languages" }, "its languages"];
    if (c.key === "all_correct") return [{ show: "right" }, "the questions that are right in every language"];
    const heat = { consistency_right: "right", consistency_wrong: "wrong" }[c.key];
    return [{ at: "map", ...(heat && t.labelled ? { heat } : {}) }, "its pairs of languages"];
  }

  // --- the leaderboard -----------------------------------------------------------------------------------------------

  async function board(_, given) {
    const query = { ...given }, sections = make("div", {}), title = make("h1", {});
    const found = make("p", { role: "status", "aria-live": "polite" });
    const rows = new Map(await Promise.all(manifest.tables.map(async (t) => [t, await rowsOf(t)])));
    const shownOf = (t) => {
      const wanted = query.cols ? query.cols.split(",") : t.shown;
      return t.columns.filter((c) => wanted.includes(c.key)).sort((a, b) => wanted.indexOf(a.key) - wanted.indexOf(b.key));
    };
    const known = new Map(manifest.tables.flatMap((t) => t.columns.map((c) => [c.key, c])));
    check(query, { task: manifest.tables.map((t) => t.key), cols: ["none", ...known.keys()],
      sort: ["model", "-model", ...[...known.keys()].flatMap((k) => [k, `-${k}`])] });

    function draw() {
      const wanted = expression(query.find ?? ""), bad = wanted instanceof Error;
      const tables = manifest.tables.filter((t) => !query.task || t.key === query.task);
      let n = 0, of = 0;
      sections.replaceChildren(...tables.map((t) => {
        const kept = rows.get(t).map((row, i) => [row, i]).filter(([row]) => bad || !wanted || wanted.test(row.label));
        n += kept.length;
        of += rows.get(t).length;
        return section(t, kept);
      }));
      // The headline is of what is shown.
      title.textContent = wanted && !bad ? `Models that match “${query.find}”${query.task ? `, ${query.task}` : ""}` : query.task && tables.length ? tables[0].headline : manifest.headline;
      found.textContent = bad ? wanted.message : `${n} of ${count(of, "result")} in ${count(tables.length, "table")}.`;
      found.classList.toggle("bad-text", bad);
    }
    function change(more) {
      Object.assign(query, more);
      remember(query);
      draw();
    }

    function section(t, kept) {
      // `sort` is a metric, or model, and with a minus before it the order is descending. By default it is the board's.
      const columns = shownOf(t), columnAt = (key) => t.columns.findIndex((c) => c.key === key);
      const key = (query.sort ?? "").replace(/^-/, ""), byModel = key === "model", given = columnAt(key) >= 0 || byModel;
      const by = byModel ? -1 : columnAt(given ? key : t.by);
      const falling = given ? query.sort.startsWith("-") : !t.columns[by].low;
      const ranked = byModel ? t.by : t.columns[by].ranked ? t.columns[by].key : "";
      const value = ([row]) => (byModel ? row.label : row.values[by]);
      kept.sort((a, b) => {
        const [x, y] = [value(a), value(b)];
        if (x === null || y === null) return (x === null) - (y === null);
        return (falling ? -1 : 1) * (byModel ? x.localeCompare(y) : x - y);
      });
      let last = "";
      const sorted = (column) => column === (byModel ? "model" : t.columns[by].key);
      const head = (name, label, column, about) => make("th", { scope: "col", class: column === "model" ? "model" : null,
        "aria-sort": sorted(column) ? (falling ? "descending" : "ascending") : null },
        make("button", { type: "button", title: about ? `${name}. ${about}` : name, "aria-label": name, "data-column": column, onclick: () => {
          const first = column === "model" || t.columns[columnAt(column)].low ? "" : "-";
          change({ sort: sorted(column) ? (falling ? column : `-${column}`) : first + column });
          main.querySelector(`section[data-table="${t.number}"] button[data-column="${CSS.escape(column)}"]`).focus();
        } }, label));
      const body = kept.map(([row]) => {
        const rank = ranked ? (row.ranks[ranked] ?? "–") : "–", own = rank.replace("=", "").split("–").pop();
        const opened = row.answers ? entryLink(row.label, t) : null;
        const linked = (c, shown) => {
          const [query, title] = detailOf(t, c);
          return opened ? make("a", { href: entryLink(row.label, t, query), title: `${row.label}: ${title}` }, shown) : shown;
        };
        const fresh = !byModel && last !== "" && own !== "" && own !== last;
        last = own || last;
        return make("tr", { class: fresh ? "new" : null }, make("td", {}, rank),
          make("th", { scope: "row", class: "model" }, make("bdi", {}, opened ? make("a", { href: opened }, row.label) : row.label), nearChance(row)),
          columns.map((c) => {
            const i = t.columns.indexOf(c), shown = number(row.values[i]);
            return make("td", {}, linked(c, shown),
              c.ranked && row.ci[i] ? make("small", {}, interval(row.ci[i])) : null);
          }));
      });
      const label = (c) => (c.key.startsWith("acc_") && t.languages.includes(c.key.slice(4)) ? c.key.slice(4) : capital(c.label));
      const others = kept.filter(([row]) => row.answers).map(([row]) => [row.label, row.label]);
      const pair = { a: others[0]?.[0], b: others[1]?.[0] };
      return make("section", { "data-table": t.number },
        make("h2", {}, t.key),
        make("p", { class: "about" }, `${capital(t.about)}.`),
        t.apart.length ? make("div", { class: "box" }, make("b", {}, "Apart from the first table of this task: "), `${t.apart.join("; ")}.`) : null,
        cautions(t),
        make("p", {}, t.finding),
        scroll(t.key, make("table", { class: "board" },
          make("caption", {}, `${t.key}: ${count(kept.length, "result")}; in brackets 95 % intervals. ${!t.held ? "There are no ranks." : ranked ? `Ranks are by ${known.get(ranked)?.name ?? ranked}.` : "By this column there are no ranks."}`),
          make("thead", {}, make("tr", {}, make("th", { scope: "col" }, "Rank"), head("model", "Model", "model"), columns.map((c) => head(c.label, label(c), c.key, c.about)))),
          make("tbody", {}, body))),
        others.length > 1 ? tools("Difference of two", choice("Difference from", pair.a, others, (x) => { pair.a = x; }), choice("to", pair.b, others, (x) => { pair.b = x; }),
          make("button", { type: "button", onclick: () => { location.hash = link(["d", pair.a, pair.b, t.key]); } }, "Show")) : null,
        list(t.notes),
        make("details", {}, make("summary", {}, "What these results have in common"),
          make("dl", { class: "facts" }, t.facts.map(([name, said]) => [make("dt", {}, name), make("dd", {}, said)]).flat()),
          make("p", {}, make("code", {}, t.signature))));
    }

    // The columns of the tables that are shown, by group.
    const keysNow = () => new Set(manifest.tables.filter((t) => !query.task || t.key === query.task).flatMap((t) => t.columns.map((c) => c.key)));
    const codes = new Set(manifest.tables.flatMap((t) => t.languages));
    const groupOf = (key) => (codes.has(key.split("_").slice(1).join("_")) ? (key.startsWith("acc_") ? "Accuracy by language" : "Others by language")
      : /^(acc|all_correct)/.test(key) ? "Accuracy" : /^(consistency|kappa|rankc|all_agree)/.test(key) ? "Agreement" : "Others");
    const current = () => new Set(query.cols ? query.cols.split(",") : manifest.tables.flatMap((t) => t.shown));
    const boxes = make("div", {});
    function drawBoxes() {
      const on = current(), now = keysNow(), groups = new Map();
      for (const key of [...known.keys()].filter((k) => now.has(k))) groups.set(groupOf(key), [...(groups.get(groupOf(key)) ?? []), key]);
      boxes.replaceChildren(...[...groups].map(([group, keys]) => make("fieldset", {}, make("legend", {}, group), make("div", {}, keys.map((key) => {
        const box = make("input", { type: "checkbox", value: key, onchange: () => {
          const chosen = [...[...current()].filter((k) => known.has(k) && !keysNow().has(k)), ...[...boxes.querySelectorAll("input:checked")].map((x) => x.value)];
          change({ cols: chosen.join(",") || "none" });
        } });
        box.checked = on.has(key);
        return make("label", { class: "check" }, box, known.get(key).label);
      })))));
    }
    drawBoxes();
    draw();
    return [manifest.title, title,
      make("details", {}, make("summary", {}, "What ranks and brackets mean"), make("p", { class: "legend" }, manifest.legend)),
      manifest.notes.length ? make("div", { class: "box bad" }, make("b", {}, "Left out, or not shown:"), make("ul", {}, manifest.notes.map((x) => make("li", {}, x)))) : null,
      tools("Filter the results",
        choice("Task", query.task ?? "", [["", `all ${manifest.tables.length}`], ...manifest.tables.map((t) => [t.key, t.key])], (task) => { change({ task }); drawBoxes(); }),
        typed("Model (regular expression)", query.find ?? "", (find) => change({ find }), { class: "wide" }), found),
      make("details", { class: "columns" }, make("summary", {}, "Columns"), boxes,
        make("p", {}, make("button", { type: "button", onclick: () => { change({ cols: "" }); drawBoxes(); } }, "As at first"))),
      sections];
  }

  // --- questions in a list -------------------------------------------------------------------------------------------

  // Filters of one model's questions, in words with the names of the chosen languages, and as a test of the answers by
  // language, the right one, and the places of these languages (b -1: any other).
  const FILTERS = {
    "": [() => "all questions", () => true],
    gap: [(a, b) => `right in ${a}, wrong in ${b}`, (x, g, a, b) => x[a] === g && others(x, a, b).some((y) => y !== g)],
    wrong: [(a) => `wrong in ${a}`, (x, g, a) => x[a] !== g],
    same: [() => "consistent and wrong", (x, g) => x[0] >= 0 && x[0] !== g && x.every((y) => y === x[0])],
    right: [() => "right in every language", (x, g) => x.every((y) => y === g)],
    none: [() => "right in no language", (x, g) => x.every((y) => y !== g)],
    differ: [(a, b) => `other answers in ${a} and ${b}`, (x, g, a, b) => others(x, a, b).some((y) => y !== x[a] || y < 0)],
    agree: [(a, b, every) => `the same answer in ${a} and ${every}`, (x, g, a, b) => x[a] >= 0 && others(x, a, b).every((y) => y === x[a])],
    unread: [(a, b, every, any) => `no answer read in ${any}`, (x, g, a, b) => (b < 0 ? x : [x[b]]).some((y) => y < 0)],
  };
  const NEED_GOLD = ["gap", "wrong", "same", "right", "none"];
  const others = (x, a, b) => (b < 0 ? x.filter((_, i) => i !== a) : [x[b]]);

  // Filters of the difference of two: answers of both, the right one, place of the language (-1: all of them).
  const score = (x, g) => x.filter((y) => y === g).length;
  const MOVES = {
    moved: [(x) => (x ? `the answer in ${x} changed` : "an answer changed"), (x, y, g, a) => (a < 0 ? x.some((v, i) => v !== y[i]) : x[a] !== y[a])],
    won: [(x) => (x ? `the answer in ${x} became right` : "more answers are right"), (x, y, g, a) => (a < 0 ? score(y, g) > score(x, g) : x[a] !== g && y[a] === g)],
    lost: [(x) => (x ? `the answer in ${x} became wrong` : "fewer answers are right"), (x, y, g, a) => (a < 0 ? score(y, g) < score(x, g) : x[a] === g && y[a] !== g)],
    stayed: [(x) => (x ? `the answer in ${x} did not change` : "no answer changed"), (x, y, g, a) => (a < 0 ? x.every((v, i) => v === y[i]) : x[a] === y[a])],
    "": [() => "all questions", () => true],
  };

  // The questions of one model, and those of the difference of two, as the filters of an address (`query`) choose among
  // them: `matches` tests a question by a filter, `named` has the names of the chosen languages, `places` their places,
  // `load` what models wrote, `base` is what the address of a question says beside the filters, and `back` its way back.
  function listOfOne(t, heads, answers, query, row, at) {
    check(query, { show: ["all", ...Object.keys(FILTERS)], a: t.languages, b: t.languages, heat: Object.keys(PAIRS) });
    const places = () => [Math.max(0, placeOf(t, query.a ?? t.pivot ?? t.languages[0])), placeOf(t, query.b ?? "")];
    return {
      filters: FILTERS, places, base: { e: row.label }, back: (more) => entryLink(row.label, t, more), title: row.label,
      matches: (i, filter) => FILTERS[filter][1](answers[i], heads[i][1], ...places()),
      load: row.said ? async (tell) => [await saidOf(t, at, row, tell)] : null,
      named: () => {
        const [a, b] = places(), own = languageName(t.languages[Math.max(0, b)]);
        return [languageName(t.languages[a]), b < 0 ? "another language" : own, b < 0 ? "every other language" : own, b < 0 ? "a language" : own];
      },
    };
  }
  function listOfTwo(t, heads, before, after, query, [a, i], [b, j]) {
    const filters = t.labelled ? MOVES : Object.fromEntries(Object.entries(MOVES).filter(([k]) => !["won", "lost"].includes(k)));
    check(query, { show: ["all", ...Object.keys(filters)], a: t.languages });
    const at = () => placeOf(t, query.a ?? "");
    return {
      filters, places: () => [at()], base: { e: b.label, from: a.label }, title: `${a.label} → ${b.label}`,
      back: (more) => link(["d", a.label, b.label, t.key], more),
      matches: (q, filter) => filters[filter][1](before[q], after[q], heads[q][1], at()),
      load: a.said && b.said ? (tell) => Promise.all([saidOf(t, i, a, tell), saidOf(t, j, b, tell)]) : null,
      named: () => [at() < 0 ? "" : languageName(t.languages[at()])],
    };
  }
  const filtersOf = (query) => Object.fromEntries(["show", "a", "b", "find", "said"].filter((k) => query[k]).map((k) => [k, query[k]]));
  const showOf = (query, list) => (query.show === "all" ? "" : (query.show ?? Object.keys(list.filters)[0]));

  // The places of the questions that the filters keep.
  async function keptOf(t, heads, query, list, tell) {
    const wanted = expression(query.find ?? "");
    if (wanted instanceof Error) throw wanted;
    const kept = heads.map((_, i) => i).filter((i) => list.matches(i, showOf(query, list)));
    if (!wanted) return kept;
    const texts = await textsOf(t, tell), wrote = list.load && query.said === "1" ? await list.load(tell) : null;
    const hit = (x) => (Array.isArray(x) && typeof x[1] !== "number" ? x.some(hit) : wanted.test(whole(x)));
    return kept.filter((i) => wanted.test(heads[i][0]) || hit(texts[i].q) || hit(texts[i].o) || (wrote && wrote.some((own) => own[i] && hit(own[i]))));
  }

  // A form that filters questions, and the list of those that are left. `marks` describes the answers of a question,
  // `ways` are filters beside the one that was chosen: [words, what they change].
  function questions(t, heads, query, list, marks, languages, ways = () => []) {
    const { filters, matches, named } = list, said = list.load ? {} : null;
    const found = make("p", { role: "status", "aria-live": "polite" }), items = make("ol", { class: "questions" }), pager = make("div", { class: "pager" }), onPaper = make("li", { class: "paper" });
    let kept = [], mine = 0;
    const gold = (i) => heads[i][1];
    const form = tools("Filter the questions");
    function change(more) {
      Object.assign(query, { page: "", at: "" }, more);
      remember(query);
      drawForm(more);
      return search();
    }
    function drawForm(changed) {
      const counts = Object.entries(filters).filter(([key]) => t.labelled || !NEED_GOLD.includes(key)).map(([key, [words]]) => {
        const n = heads.reduce((sum, _, i) => sum + (matches(i, key) ? 1 : 0), 0);
        return [key, `${words(...named())} (${count(n, "question")})`];
      });
      if (changed && "find" in changed) return;
      const focused = [...form.elements].indexOf(document.activeElement);
      form.replaceChildren(choice("Show questions", query.show ?? Object.keys(filters)[0], counts, (x) => change({ show: x || "all" }), { class: "wide" }), ...languages(change),
        typed("Text (regular expression)", query.find ?? "", (find) => change({ find }), { class: "wide" }),
        ...(said ? [make("label", { class: "check" }, said.box, "also in what was written")] : []),
        ...(ways().length ? [make("p", { class: "ways" }, "These two languages: ", ways().map(([words, more]) =>
          make("button", { type: "button", "aria-pressed": String(Object.entries(more).every(([k, v]) => query[k] === v)), onclick: () => change(more) }, words)))] : []), found);
      if (focused >= 0) form.elements[focused]?.focus();
    }
    if (said) {
      said.box = make("input", { type: "checkbox", onchange: () => change({ said: said.box.checked ? "1" : "" }) });
      said.box.checked = query.said === "1";
    }
    async function search() {
      const turn = (mine += 1), wanted = expression(query.find ?? "");
      if (wanted instanceof Error) {
        found.textContent = wanted.message;
        found.classList.add("bad-text");
        return;
      }
      found.classList.remove("bad-text");
      const left = await keptOf(t, heads, query, list, (n, of) => { found.textContent = `Loading texts, ${n} of ${of} …`; });
      if (turn !== mine) return;
      kept = left;
      found.textContent = `${kept.length.toLocaleString("en")} of ${count(heads.length, "question")} ${kept.length === 1 ? "matches" : "match"}.`;
      draw();
    }
    function draw() {
      const pages = Math.max(1, Math.ceil(kept.length / PER_PAGE)), page = Math.min(pages, Math.max(1, Number(query.page) || 1));
      items.replaceChildren(...kept.slice((page - 1) * PER_PAGE, page * PER_PAGE).map((i) => make("li", {},
        make("a", { href: link(["q", t.key, heads[i][0]], { ...list.base, ...filtersOf(query) }) },
          make("span", { class: "tag" }, heads[i][0], gold(i) >= 0 ? ` · right: ${letter(gold(i))}` : ""),
          make("span", { class: "head", ...inLanguage(t.pivot ?? t.languages[0]) }, whole(heads[i][3]), Array.isArray(heads[i][3]) ? "…" : ""),
          make("span", { class: "marks" }, marks(i))))));
      if (pages > 1) {  // the buttons are not printed
        onPaper.textContent = `Only questions ${(page - 1) * PER_PAGE + 1} to ${Math.min(kept.length, page * PER_PAGE)} of these ${kept.length.toLocaleString("en")} are printed (page ${page} of ${pages} on the screen).`;
        items.prepend(onPaper);
      }
      items.start = (page - 1) * PER_PAGE + 1;
      const go = (by) => () => {
        query.page = String(page + by);
        remember(query);
        draw();
        found.scrollIntoView();
      };
      pager.hidden = pages < 2;
      pager.replaceChildren(make("button", { type: "button", disabled: page === 1, onclick: go(-1) }, "Previous"),
        make("span", {}, `page ${page} of ${pages}`), make("button", { type: "button", disabled: page === pages, onclick: go(1) }, "Next"));
    }
    drawForm();
    return [form, items, pager, change, search()];
  }
  const mark = (answer, gold) => (answer < 0 ? "?" : gold < 0 ? letter(answer) : answer === gold ? "✓" : "✗");
  const say = (answer, gold) => (answer < 0 ? "not read" : gold < 0 ? letter(answer) : answer === gold ? "right" : "wrong");
  const tone = (answer, gold) => (answer < 0 || gold < 0 ? "" : answer === gold ? "yes-mark" : "no-mark");
  const marked = (shown, said, className) => make("span", { class: className }, make("span", { "aria-hidden": "true" }, shown), make("span", { class: "vh" }, `${said}.`));
  const placeOf = (t, code) => t.languages.indexOf(code);

  // --- one model on one task -----------------------------------------------------------------------------------------

  async function entry([label, key], given) {
    const t = tableOf(key), rows = await rowsOf(t), [row, at] = rowOf(rows, label), query = { ...given };
    if (!row.answers) throw new Error(`${label} has no samples, so there are no answers to show (lm_eval --log_samples writes them).`);
    const [heads, answers] = await Promise.all([headsOf(t), answersOf(t, at, row)]);
    const several = t.languages.length > 1;
    const shown = t.columns.map((c, i) => [c, i]).filter(([c, i]) => row.values[i] !== null && !/^(acc|transfer|fidelity)(_\w+)?_[a-z]{2,3}(-\w+)*$/.test(c.key) || c.key === "acc");
    const picked = shown.filter(([c]) => t.shown.includes(c.key) || ["consistency_wrong", "all_agree", "acc_worst", "answered"].includes(c.key));
    const numbers = make("dl", { class: "numbers" }, picked.map(([c, i]) => make("div", {}, make("dt", { title: c.about }, capital(c.label)),
      make("dd", {}, number(row.values[i]), make("small", {}, interval(row.ci[i])), c.ranked && (row.ranks[c.key] ?? "–") !== "–" ? make("small", {}, `rank ${row.ranks[c.key]}`) : null))));
    const list = listOfOne(t, heads, answers, query, row, at);
    const marks = (i) => t.languages.map((x, l) => marked(`${x} ${mark(answers[i][l], heads[i][1])}`, `${languageName(x)}: ${say(answers[i][l], heads[i][1])}`, tone(answers[i][l], heads[i][1])));
    const names = t.languages.map((x) => [x, languageName(x)]);
    const [form, items, pager, change, ready] = questions(t, heads, query, list, marks,
      (set) => (several ? [choice("Language A", t.languages[list.places()[0]], names, (a) => set({ a })),
        choice("Language B", query.b ?? "", [["", "any other language"], ...names], (b) => set({ b }))] : []),
      () => {
        const [i, j] = list.places(), [a, b] = [t.languages[i], t.languages[j]];
        if (j < 0 || i === j) return [];
        return [...(t.labelled ? [[a, b], [b, a]].map(([x, y]) => [`right in ${languageName(x)}, wrong in ${languageName(y)}`, { show: "gap", a: x, b: y }]) : []),
          ["other answers", { show: "differ", a, b }], ["the same answer", { show: "agree", a, b }]];
      });
    const rivals = rows.filter((r) => r.answers && r.label !== label).map((r) => [r.label, r.label]);
    const byLanguage = make("section", {}, make("h2", {}, "Languages"), languageTable(t, row, answers));
    const byPair = several ? make("section", {}, make("h2", {}, "Agreement by pair of languages"), heat(t, heads, answers, query, (a, b) => {
      change({ show: "differ", a, b });
      form.scrollIntoView();
      form.elements[0].focus({ preventScroll: true });
    })) : null;
    const asked = Object.keys(filtersOf(query)).length || query.page ? form : { languages: byLanguage, map: byPair }[query.at] ?? (query.heat ? byPair : null);
    return Object.assign([`${label} · ${t.key}`, crumbs(make("a", { href: link([""], { task: t.key }) }, t.key), label), make("h1", {}, label),
      make("p", { class: "about" }, `${t.key}: ${t.about}.`), cautions(t), nearChance(row), numbers,
      rivals.length ? tools("Difference to another model", choice("Difference to", "", [["", "choose a model"], ...rivals], (x) => { if (x) location.hash = link(["d", label, x, t.key]); }, { class: "wide" })) : null,
      make("div", { class: t.languages.length > 10 ? null : "pair" }, byLanguage, byPair),
      make("h2", { id: "questions" }, "Questions"), form, items, pager], { target: asked, ready });
  }

  function languageTable(t, row, answers) {
    const value = (code) => {
      const i = t.columns.findIndex((c) => c.key === `acc_${code}`);
      return i < 0 ? [t.languages.length === 1 ? row.values[t.columns.findIndex((c) => c.key === "acc")] : null, null] : [row.values[i], row.ci[i]];
    };
    return scroll("Languages", make("table", {},
      make("caption", {}, t.labelled ? `Accuracy in each language${t.chance === null ? "" : `; the line is chance, ${number(t.chance)}`}.` : "Answers read in each language."),
      make("thead", {}, make("tr", {}, ["Language", "Accuracy", "", "", "Answers read"].map((x, i) => make("th", { scope: "col", class: i > 1 ? "n" : null }, x)))),
      make("tbody", {}, t.languages.map((code, l) => {
        const [v, ci] = value(code), i = make("i", {}), line = make("b", {});
        i.style.width = `${100 * (v ?? 0)}%`;
        line.style.left = `${100 * (t.chance ?? 0)}%`;
        return make("tr", {}, make("th", { scope: "row" }, t.labelled && t.languages.length > 1 ? make("a", { href: entryLink(row.label, t, { show: "wrong", a: code }), title: `the questions that are wrong in ${languageName(code)}` }, languageName(code)) : languageName(code)),
          make("td", { class: "bar", "aria-hidden": "true" }, make("div", {}, i, t.chance === null ? null : line)),
          make("td", { class: "n" }, number(v)), make("td", { class: "n" }, make("small", {}, interval(ci))),
          make("td", { class: "n" }, number(answers.filter((x) => x[l] >= 0).length / answers.length)));
      }))));
  }

  // Shares of questions by pair of languages, and what each would be if every answer were a guess.
  const PAIRS = {
    agree: ["the same answer", (x, y) => x >= 0 && x === y, (c) => c],
    right: ["the same answer, and right", (x, y, g) => x >= 0 && x === y && x === g, (c) => c * c],
    wrong: ["the same answer, and wrong", (x, y, g) => x >= 0 && x === y && x !== g, (c) => c - c * c],
  };

  function heat(t, heads, answers, query, open) {
    const holder = make("div", {}), n = t.languages.length, many = n > 24;
    function draw() {
      const kind = PAIRS[query.heat] ? query.heat : "agree", [words, test, byChance] = PAIRS[kind];
      const chance = t.chance === null ? null : byChance(t.chance);
      const value = (i, j) => answers.reduce((sum, x, q) => sum + (test(x[i], x[j], heads[q][1]) ? 1 : 0), 0) / answers.length;
      const values = t.languages.map(() => new Array(n).fill(1));
      for (let i = 0; i < n; i += 1) for (let j = 0; j < i; j += 1) values[i][j] = values[j][i] = value(i, j);
      const inner = values.flatMap((own, i) => own.filter((_, j) => i !== j));
      const bottom = Math.min(chance ?? 0, ...inner), top = kind === "agree" ? 1 : Math.max(...inner, bottom + 0.001);
      const links = [];
      const cell = (i, j) => {
        if (i === j) return make("td", { class: "self" }, "·");
        const share = (values[i][j] - bottom) / (top - bottom);
        const said = `${languageName(t.languages[i])} and ${languageName(t.languages[j])}: ${number(values[i][j])}`;
        const a = make("a", { href: entryLink(place().parts[1], t, { show: "differ", a: t.languages[i], b: t.languages[j] }), tabindex: "-1",
          class: [share > 0.62 ? "deep" : "", share > 0.85 ? "deepest" : ""].join(" ").trim() || null, title: said, "aria-label": `${said}; show where they differ`,
          onclick: (event) => { event.preventDefault(); open(t.languages[i], t.languages[j]); } }, many ? "" : number(values[i][j]));
        a.style.setProperty("--share", `${Math.round(100 * share)}%`);
        links.push(a);
        return make("td", {}, a);
      };
      const said = `Share of questions with ${words} in both languages${chance === null ? "" : `; by chance ${number(chance)}`}. A cell leads to the questions on which its languages differ.`;
      const table = make("table", { class: many ? "heat many" : "heat", "aria-labelledby": "map", onkeydown: arrows },
        make("thead", {}, make("tr", {}, make("td", {}), t.languages.map((x) => make("th", { scope: "col", title: languageName(x) }, many ? "" : x)))),
        make("tbody", {}, t.languages.map((x, i) => make("tr", {}, make("th", { scope: "row", title: languageName(x) }, x), t.languages.map((_, j) => cell(i, j))))));
      links[0].tabIndex = 0;
      holder.replaceChildren(
        tools("What the map shows", choice("Share of questions with", kind, Object.entries(PAIRS).filter(([k]) => t.labelled || k === "agree").map(([k, [text]]) => [k, text]), (x) => {
          query.heat = x === "agree" ? "" : x;
          remember(query);
          draw();
          holder.querySelector("select").focus();
        })),
        make("p", { class: "about", id: "map" }, said),
        scroll("Agreement by pair", table),
        make("p", { class: "scale", "aria-hidden": "true" }, number(bottom), make("i", {}), number(top)));
    }
    // Arrow keys move between cells; only one of them is a stop of the Tab key.
    function arrows(event) {
      const step = { ArrowRight: [0, 1], ArrowLeft: [0, -1], ArrowDown: [1, 0], ArrowUp: [-1, 0] }[event.key];
      const td = event.target.closest("td");
      if (!step || !td) return;
      event.preventDefault();
      event.stopPropagation();
      const body = td.closest("tbody");
      let r = td.parentNode.rowIndex - 1, c = td.cellIndex;
      do {
        r += step[0];
        c += step[1];
      } while (body.rows[r]?.cells[c]?.classList.contains("self"));
      const next = body.rows[r]?.cells[c]?.querySelector("a");
      if (!next) return;
      event.target.tabIndex = -1;
      next.tabIndex = 0;
      next.focus();
    }
    draw();
    return holder;
  }

  // --- one question ----------------------------------------------------------------------------------------------------

  // Where the model did not see the options: how its answer was found all the same.
  const UNSEEN = {
    open: "The model saw only the question and answered in its own words. The options are those that its answer was matched with.",
    cloze: "The model saw only the question. Each option was scored as its continuation, and the most probable one is its answer.",
  };

  // The list that a question was reached from.
  async function listFrom(t, rows, heads, given) {
    const sides = [given.from, given.e].filter(Boolean).map((label) => rowOf(rows, label));
    for (const [row] of sides) if (!row.answers) throw new Error(`${row.label} has no samples, so it has no answers to choose questions by.`);
    const answers = await Promise.all(sides.map(([row, at]) => answersOf(t, at, row)));
    return sides.length > 1 ? listOfTwo(t, heads, ...answers, given, ...sides) : listOfOne(t, heads, ...answers, given, ...sides[0]);
  }

  async function question([key, id], given) {
    const t = tableOf(key), [rows, heads] = await Promise.all([rowsOf(t), headsOf(t)]), i = heads.findIndex((h) => h[0] === id);
    if (i < 0) throw new Error(`There is no question ${id} of ${key} on this page.`);
    const [text, across] = await Promise.all([one(`${t.number}/texts`, t.starts.texts, i), one(`${t.number}/across`, t.starts.across, i)]);
    const list = given.e ? await listFrom(t, rows, heads, given) : null;
    let filter = list ? { ...given } : {}, turns = list ? await keptOf(t, heads, filter, list) : [];
    if (!turns.includes(i)) [filter, turns] = [{}, heads.map((_, n) => n)];
    const at = turns.indexOf(i), narrowed = turns.length < heads.length;
    const front = list && narrowed ? list.places().filter((l, n) => l >= 0 && (given.a || given.b || showOf(filter, list) === "gap") && (n === 0 || given.b)) : [];
    const order = [...new Set([...front, ...t.languages.keys()])];  // the languages of the filter are first
    const style = new Map(t.facts).get("style");
    const gold = heads[i][1], looked = (r) => Number(rows[r].label === given.e);  // the model that one came from is first
    const with_ = across.map((own, r) => [own, r]).filter(([own]) => own).sort(([, r], [, s]) => looked(s) - looked(r));
    const version = (code, l) => make("section", { class: "version" },
      make("h3", {}, languageName(code)),
      make("p", inLanguage(code, { class: "said" }), long(text.q[l])),
      make("ol", inLanguage(code, { class: "options" }), text.o[l].map((option, o) => {
        const n = with_.filter(([own]) => own[l] === o).length;
        const notes = [o === gold ? "right answer" : "", n ? `answered by ${n} of ${with_.length}` : "", text.s ? `shown as ${letter(text.s.indexOf(o))}` : ""].filter(Boolean);
        return make("li", { class: o === gold ? "gold" : null }, make("b", {}, make("bdi", {}, `${letter(o)}.`)), " ", make("bdi", {}, long(option)),
          notes.length ? make("span", { class: "mark", lang: "en", dir: "ltr" }, notes.join(", ")) : null);
      })));
    const beside = t.languages.length > MOST_BESIDE + 1 ? MOST_BESIDE : t.languages.length;
    const versions = [make("div", { class: "inside" }, order.slice(0, beside).map((l) => version(t.languages[l], l)))];
    if (beside < t.languages.length) {
      versions.push(make("details", {}, make("summary", {}, `In ${t.languages.length - beside} more languages`),
        make("div", { class: "inside" }, order.slice(beside).map((l) => version(t.languages[l], l)))));
    }
    const body = make("tbody", {});
    const find = { text: given.model ?? "" };
    function draw() {
      const wanted = expression(find.text);
      body.replaceChildren(...with_.filter(([, r]) => !(wanted instanceof RegExp) || wanted.test(rows[r].label)).flatMap(([own, r]) => {
        const row = rows[r], button = row.said ? make("button", { type: "button", "aria-expanded": "false", onclick: () => toggle(r, button, line) }, "what it wrote") : null;
        const line = make("tr", { class: given.e === row.label ? "focused" : null },
          make("th", { scope: "row", class: "model" }, make("bdi", {}, make("a", { href: entryLink(row.label, t) }, row.label))),
          own.map((a, l) => make("td", {}, make("span", { class: `cell ${a < 0 ? "unread" : gold < 0 ? "" : a === gold ? "right" : "wrong"}`,
            title: `${languageName(t.languages[l])}: ${a < 0 ? "not read" : letter(a)}` }, letter(a), make("span", { class: "vh" }, a < 0 || gold < 0 ? "" : a === gold ? ", right" : ", wrong")))),
          make("td", {}, button));
        if (given.e === row.label && row.said) setTimeout(() => toggle(r, button, line));
        return [line];
      }));
    }
    async function toggle(r, button, line) {
      if (button.getAttribute("aria-expanded") === "true") {
        line.nextSibling.remove();
        button.setAttribute("aria-expanded", "false");
        return;
      }
      button.setAttribute("aria-expanded", "true");
      const said = await one(`${t.number}/said/${r}`, rows[r].said, i);
      if (!line.isConnected || line.nextSibling?.classList.contains("said")) return;
      line.after(make("tr", { class: "said" }, make("td", { colspan: t.languages.length + 2 }, make("dl", { class: "answers wrote" }, t.languages.map((code, l) => make("div", {},
        make("dt", { class: across[r][l] < 0 || gold < 0 ? "" : across[r][l] === gold ? "yes" : "no" }, `${languageName(code)}: ${letter(across[r][l])}`),
        make("dd", inLanguage(code, { class: "said" }), long(said[l]))))))));
    }
    draw();
    const kept = list ? { ...list.base, ...filtersOf(filter) } : {}, page = Math.floor(at / PER_PAGE) + 1;
    const turnTo = (by, words) => (turns[at + by] !== undefined ? make("a", { href: link(["q", key, heads[turns[at + by]][0]], kept), "data-turn": by }, words) : null);
    const words = narrowed ? [list.filters[showOf(filter, list)][0](...list.named()), filter.find ? `with “${filter.find}”` : ""].filter(Boolean).join(", ") : "";
    return [`${id} · ${key}`, crumbs(list ? make("a", { href: list.back(narrowed ? { ...filtersOf(filter), ...(page > 1 ? { page } : {}) } : {}) }, list.title, words ? `: ${words}` : "") : make("a", { href: link([""], { task: key }) }, key), id),
      make("h1", {}, `Question ${id}`), make("p", { class: "about" }, `${key}, question ${at + 1} of ${turns.length}${words ? ` (${words}; ${heads.length} in all)` : ""}${gold < 0 ? "" : `; the right answer is ${letter(gold)}`}.`),
      make("nav", { class: "turns", "aria-label": "Other questions" }, turnTo(-1, "← previous"), turnTo(1, "next →")),
      make("h2", {}, UNSEEN[style] ? "The question and its options" : "As it was asked"), UNSEEN[style] ? make("p", { class: "box" }, UNSEEN[style]) : "", ...(text.q.some((x) => whole(x)) || text.o.some((x) => x.length) ? versions : [make("p", {}, "The samples do not have the texts of this question.")]),
      make("h2", {}, "Every answer in every language"),
      tools("Filter the models", typed("Model (regular expression)", find.text, (x) => { find.text = x; remember({ ...given, model: x }); draw(); })),
      scroll("Answers", make("table", { class: "every" }, make("caption", {}, "Letters count the options as above; – is an answer that could not be read."),
        make("thead", {}, make("tr", {}, make("th", { scope: "col", class: "model" }, "Model"), t.languages.map((x) => make("th", { scope: "col" }, make("abbr", { title: languageName(x) }, x))), make("td", {}))), body))];
  }
  document.addEventListener("keydown", (event) => {
    const by = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (!by || event.altKey || event.ctrlKey || event.metaKey || event.shiftKey || event.target.closest?.("input, select, textarea, .scroll")) return;
    main.querySelector(`a[data-turn="${by}"]`)?.click();
  });

  // --- the difference of two -----------------------------------------------------------------------------------------

  async function difference([from, to, key], given) {
    const t = tableOf(key), rows = await rowsOf(t), [a, i] = rowOf(rows, from), [b, j] = rowOf(rows, to), query = { ...given };
    for (const row of [a, b]) if (!row.answers) throw new Error(`${row.label} has no samples, so it cannot be compared question by question.`);
    const [heads, before, after] = await Promise.all([headsOf(t), answersOf(t, i, a), answersOf(t, j, b)]);
    const table = make("div", {}, make("p", { role: "status" }, "Resampling …"));
    // Written with the page, as the report has them, for each two rows in order; only of very many rows resampled here.
    const [low, high] = [Math.min(i, j), Math.max(i, j)], nth = low * t.entries - (low * (low + 1)) / 2 + high - low - 1;
    const written = t.starts.moves?.length && i !== j ? await one(`${t.number}/moves`, t.starts.moves, nth) : null;
    setTimeout(() => table.replaceChildren(...differences(t, heads, before, after, written, i > j)));
    const list = listOfTwo(t, heads, before, after, query, [a, i], [b, j]);
    const marks = (q) => t.languages.map((x, l) => {
      const [u, v, g] = [before[q][l], after[q][l], heads[q][1]];
      return marked(`${x} ${mark(u, g)}→${mark(v, g)}`, `${languageName(x)}: ${say(u, g)}, then ${say(v, g)}`, u !== v && v === g ? "up" : u !== v && u === g ? "down" : "");
    });
    const names = t.languages.map((x) => [x, languageName(x)]);
    const [form, items, pager, , ready] = questions(t, heads, query, list, marks,
      (set) => [choice("Language", query.a ?? "", [["", "all languages"], ...names], (x) => set({ a: x }))]);
    return Object.assign([`${from} → ${to} · ${key}`, crumbs(make("a", { href: link([""], { task: key }) }, key), "difference"),
      make("h1", {}, make("a", { href: entryLink(from, t) }, from), " → ", make("a", { href: entryLink(to, t) }, to)),
      make("p", { class: "about" }, `${key}: ${t.about}.`),
      make("div", { class: "turns" }, make("a", { href: link(["d", to, from, key]) }, "the other way round")),
      cautions(t), make("h2", {}, "Difference"), table, make("h2", {}, "Questions"), form, items, pager],
    { target: Object.keys(filtersOf(query)).length || query.page ? form : null, ready });
  }

  // Values of one question: shares of languages and of pairs of languages, as calm_ext/metrics/question.py has them.
  function metricsOf(x, g, labelled) {
    const pairs = (n) => (n * (n - 1)) / 2, counts = new Map();
    for (const y of x) if (y >= 0) counts.set(y, (counts.get(y) ?? 0) + 1);
    const alike = [...counts.values()].reduce((sum, n) => sum + pairs(n), 0), given = x.filter((y) => y >= 0).length;
    const found = {};
    const right = g < 0 ? 0 : (counts.get(g) ?? 0);
    if (labelled) Object.assign(found, { acc: right / x.length, all_correct: Number(right === x.length) });
    if (x.length > 1) Object.assign(found, { consistency: alike / pairs(x.length), all_agree: Number(given === x.length && counts.size === 1) });
    if (x.length > 1 && labelled) Object.assign(found, { consistency_right: pairs(right) / pairs(x.length), consistency_wrong: (alike - pairs(right)) / pairs(x.length) });
    return { ...found, answered: given / x.length };
  }

  // A small generator of random numbers (mulberry32), so that the same two models always get the same interval.
  function random(seed) {
    let state = seed >>> 0;
    return () => {
      state = (state + 0x6d2b79f5) >>> 0;
      let z = state;
      z = Math.imul(z ^ (z >>> 15), z | 1);
      z ^= z + Math.imul(z ^ (z >>> 7), z | 61);
      return ((z ^ (z >>> 14)) >>> 0) / 4294967296;
    };
  }

  // Of columns of differences by question: mean, 95 % percentile interval and two-sided p of the paired bootstrap.
  // `groups` has the number of each question's cluster: whole clusters are drawn. Without it each question is one.
  function bootstrap(columns, groups) {
    const n = columns[0].length, next = random(SEED), drawn = columns.map(() => new Float64Array(RESAMPLES));
    const sums = new Float64Array(columns.length), members = [];
    for (let q = 0; q < n; q += 1) (members[groups ? groups[q] : q] ??= []).push(q);
    const totals = columns.map((column) => members.map((own) => own.reduce((s, q) => s + column[q], 0)));
    for (let r = 0; r < RESAMPLES; r += 1) {
      let size = 0;
      sums.fill(0);
      for (let k = 0; k < members.length; k += 1) {
        const g = Math.floor(next() * members.length);
        size += members[g].length;
        for (let c = 0; c < columns.length; c += 1) sums[c] += totals[c][g];
      }
      for (let c = 0; c < columns.length; c += 1) drawn[c][r] = sums[c] / size;
    }
    return columns.map((column, c) => {
      const own = drawn[c].sort(), at = (share) => {
        const x = share * (RESAMPLES - 1), low = Math.floor(x);
        return own[low] + (x - low) * ((own[low + 1] ?? own[low]) - own[low]);
      };
      const tail = Math.min(own.filter((x) => x <= 1e-12).length, own.filter((x) => x >= -1e-12).length);
      return { value: column.reduce((s, x) => s + x, 0) / n, ci: [at(0.025), at(0.975)], p: Math.min(1, (2 * (tail + 1)) / (RESAMPLES + 1)) };
    });
  }

  // The exact two-sided McNemar test: p = min(1, 2 P(X <= min)), X binomial with 1/2; summed from its logarithms.
  function mcnemar(gained, lost) {
    const m = gained + lost;
    let log = -m * Math.LN2, sum = 0;
    for (let k = 0; k <= Math.min(gained, lost); k += 1) {
      sum += Math.exp(log);
      log += Math.log(m - k) - Math.log(k + 1);
    }
    return Math.min(1, 2 * sum);
  }
  function holm(values) {
    const order = values.map((_, i) => i).sort((x, y) => values[x] - values[y]), found = [];
    let highest = 0;
    order.forEach((i, rank) => {
      highest = Math.max(highest, Math.min(1, (values.length - rank) * values[i]));
      found[i] = highest;
    });
    return found;
  }

  function differences(t, heads, before, after, written, turned) {
    const values = [before, after].map((side) => side.map((x, q) => metricsOf(x, heads[q][1], t.labelled)));
    const names = Object.keys(values[0][0]), right = (side, l) => side.map((x, q) => Number(heads[q][1] >= 0 && x[l] === heads[q][1]));
    const sides = names.map((m) => values.map((own) => own.map((x) => x[m])));
    const languages = t.labelled && t.languages.length > 1 ? t.languages : [];
    const byLanguage = languages.map((_, l) => [right(before, l), right(after, l)]);
    const keys = [...names, ...languages.map((x) => `acc_${x}`)], given = written && keys.every((m) => written[m]);
    const few = !given && t.clusters > 0 && t.clusters < FEW, mean = (x) => x.reduce((s, v) => s + v, 0) / x.length;
    const every = [...sides, ...byLanguage], found = given ? keys.map((m) => {
      const [value, a, b, p] = written[m];
      return turned ? { value: -value, ci: [-b, -a], p } : { value, ci: [a, b], p };
    }) : few ? every.map(([x, y]) => ({ value: mean(y) - mean(x), ci: [null, null], p: NaN })) : bootstrap(every.map(([x, y]) => Float64Array.from(x, (v, q) => y[q] - v)), t.clusters ? heads.map((h) => h[4]) : null);
    const flipsOf = ([x, y]) => [x.filter((v, q) => !v && y[q]).length, x.filter((v, q) => v && !y[q]).length];
    const flips = byLanguage.map(flipsOf), binary = (columns) => columns.every((x) => x.every((v) => v === 0 || v === 1));
    // McNemar's test takes questions for independent, which those of one cluster are not.
    const exact = (columns, c) => (binary(columns) && !t.clusters ? mcnemar(...flipsOf(columns)) : found[c].p);
    if (!given) every.forEach((columns, c) => { found[c].p = exact(columns, c); });
    const corrected = given ? languages.map((x) => written[`acc_${x}`][4]) : few ? languages.map(() => NaN) : holm(found.slice(names.length).map((f) => f.p));
    const low = new Set(t.columns.filter((c) => c.low).map((c) => c.key));
    const line = (words, c, p, better, more) => make("tr", { "data-metric": words[0] }, make("th", { scope: "row" }, words[1]), make("td", { class: "n" }, number(mean(every[c][0]))), make("td", { class: "n" }, number(mean(every[c][1]))),
      make("td", { class: "n" }, make("span", { class: p < ALPHA && (found[c].ci[0] > 0 || found[c].ci[1] < 0) ? (found[c].value > 0 === better ? "up" : "down") : null }, number(found[c].value, true)), make("small", {}, interval(found[c].ci, true))), make("td", { class: "n" }, pValue(p)), more ?? []);
    const name = (m) => capital(t.columns.find((c) => c.key === m)?.label ?? m);
    const groups = t.clusters ? ` in ${count(t.clusters, "cluster")}` : "";
    const head = (...more) => make("thead", {}, make("tr", {}, ["", "First", "Second", "Difference", "p", ...more].map((x, i) => make("th", { scope: "col", class: i ? "n" : null }, x))));
    return [
      scroll("Difference", make("table", {}, make("caption", {}, `Second less first, of ${count(before.length, "question")}${groups}; ${given ? `95 % intervals and p${t.clusters ? ", over clusters," : ""} as calm-ext compare has them.` : few ? "there are too many pairs to write intervals and p, and too few clusters to resample them here: calm-ext compare --cluster has them." : `95 % intervals and p by a paired bootstrap over ${t.clusters ? "clusters" : "questions"}, roughly: ${RESAMPLES.toLocaleString("en")} resamples in this page, because there are too many pairs to write; calm-ext compare has them in full.`} ${t.clusters ? "" : "p of what a question has or has not is of the exact McNemar test."}`),
        head(), make("tbody", {}, names.map((m, c) => line([m, name(m)], c, found[c].p, !low.has(m)))))),
      languages.length ? make("h3", {}, "Accuracy by language") : null,
      languages.length ? scroll("Accuracy by language", make("table", {}, make("caption", {}, `Answers are those to one question in one language. p ${t.clusters ? "over clusters" : "by the exact McNemar test"}, corrected over the languages by Holm’s method.`), head("Answers that became right", "Answers that became wrong"),
        make("tbody", {}, languages.map((x, l) => line([`acc_${x}`, languageName(x)], names.length + l, corrected[l], true, flips[l].map((n) => make("td", { class: "n" }, String(n)))))))) : null,
    ].filter((x) => x);
  }

  address.follow(show);
  show();
})();
