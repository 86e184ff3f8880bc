// The page of the explorer: an anywidget front-end module without dependencies.
//
// What is shown comes from Python as JSON and enters the page as text nodes and attributes, never as markup, so a
// variable named <script> is a word like any other. What is done goes to Python as a message; nothing is decided here.

let pages = 0;

/** Return an element; attributes that are null or false are left out, children that are strings become text. */
function h(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
    else made.setAttribute(key, value === true ? "" : String(value));
  }
  made.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== ""));
  return made;
}

function percent(p) {
  if (p > 0 && p < 0.0005) return "<0.1%";
  if (p < 1 && p > 0.9995) return ">99.9%";
  return `${(100 * p).toFixed(1)}%`;
}

function capital(text) {
  return text ? text[0].toUpperCase() + text.slice(1) : text;
}

/** A bar with a mark: how much is filled, and where it stood before. Shown beside the same in words. */
function track(p, mark) {
  const filled = h("span", { class: "tt-fill", style: `width:${(100 * p).toFixed(2)}%` });
  const tick = h("span", { class: "tt-tick", style: `left:${(100 * mark).toFixed(2)}%` });
  return h("span", { class: "tt-track", "aria-hidden": "true" }, filled, tick);
}

const SURE = [
  [1, "certain"],
  [0.95, "95% sure"],
  [0.9, "90% sure"],
  [0.8, "80% sure"],
  [0.7, "70% sure"],
  [0.6, "60% sure"],
];
const NO_DETAILS = { accounts: {}, findings: 0, none: null, if_no: "" };
const ABREAST = 5; // states that are shown side by side; more become a list to choose from
const ROWS = 250; // variables listed at once; the filter finds the rest
const BARS = 6; // bars shown before the rest is asked for

class Page {
  constructor(model, root) {
    this.model = model;
    this.root = root;
    this.uid = `tt${++pages}`;
    this.catalogue = model.get("catalogue");
    this.items = new Map(this.catalogue.groups.flatMap((group) => group.items.map((item) => [item.id, item])));
    this.rows = new Map();
    this.bars = new Map();
    this.allBars = false;
    this.said = "";
  }

  send(message) {
    this.model.send(message);
  }

  view() {
    return this.model.get("view");
  }

  // -- the frame -----------------------------------------------------------------------------------------------------

  build() {
    const { catalogue, uid } = this;
    this.live = h("p", { class: "tt-hidden", role: "status", "aria-live": "polite" });
    this.level = h("div", { class: "tt-level" });
    this.refusal = h("p", { class: "tt-refusal", role: "alert", hidden: true });
    this.status = h("span", { class: "tt-status", role: "status" });
    this.chips = h("ul", { class: "tt-chips", "aria-label": "Answers known" });
    this.filter = h("input", {
      type: "search", class: "tt-filter", id: `${uid}-filter`, placeholder: "Type to find, for example: foot",
      autocomplete: "off", spellcheck: "false", "aria-controls": `${uid}-list`, "aria-describedby": `${uid}-found`,
      oninput: () => this.list(), onkeydown: (event) => this.fromFilter(event),
    });
    this.found = h("span", { class: "tt-soft tt-found", id: `${uid}-found`, role: "status" });
    this.groups = h("div", { class: "tt-groups", id: `${uid}-list` });
    this.causes = h("ol", { class: "tt-bars" });
    this.more = h("button", { type: "button", class: "tt-link", onclick: () => this.toggleBars() });
    this.none = h("p", { class: "tt-soft" });
    this.problem = h("div", { class: "tt-problem", hidden: true });
    this.why = h("div");
    this.accounts = h("p", { class: "tt-soft" });
    this.ask = h("div");
    this.supposed = h("div");
    const wide = { class: "tt-part" };
    const rules = catalogue.modifiable.length > 0;
    this.parts = {
      why: h("section", { ...wide, "aria-labelledby": `${uid}-why` }, this.heading("why", "Why"), this.why, this.accounts),
      ask: h("section", { ...wide, "aria-labelledby": `${uid}-ask` }, this.heading("ask", "Ask next"), this.ask),
      what_if: h("section", { ...wide, "aria-labelledby": `${uid}-what_if` },
        this.heading("what_if", "What if"), rules ? this.supposing() : null, this.supposed),
    };
    this.code = h("pre", { class: "tt-code", tabindex: "0", "aria-label": "The case as Python code" });
    this.copied = h("details", { class: "tt-fold" }, h("summary", {}, "The case as Python code"), this.code);
    const left = h("section", { class: "tt-known", "aria-labelledby": `${uid}-known` },
      this.heading("known", "What is known"), this.chips,
      h("label", { class: "tt-hidden", for: `${uid}-filter` }, "Find a finding, a context or a test"),
      this.filter, this.found, this.groups);
    const causes = h("section", { class: "tt-part tt-causes", "aria-labelledby": `${uid}-causes` },
      this.heading("causes", this.view().triage ? "Causes, the leading explanation first" : "Posteriors, the most moved first"),
      this.problem, this.causes, h("div", {}, this.more), this.none);
    this.parts.details = causes;
    const right = h("div", { class: "tt-answers" }, causes, this.parts.why, this.parts.ask, this.parts.what_if);
    this.root.append(this.live, this.level, this.tools(), this.refusal,
      h("div", { class: "tt-columns" }, left, right), this.copied,
      h("p", { class: "tt-notice" }, `${capital(catalogue.title)}. ${catalogue.notice}`));
    this.list();
    this.show();
  }

  heading(name, text) {
    const busy = h("span", { class: "tt-busy" }, "updating");
    return h("h3", { class: "tt-heading", id: `${this.uid}-${name}` }, h("span", {}, text), busy);
  }

  tools() {
    const button = (text, label, onclick) => h("button", { type: "button", title: label, onclick }, text);
    this.undo = button("Undo", "Take back the last change", () => this.send({ do: "undo" }));
    this.redo = button("Redo", "Make the change again", () => this.send({ do: "redo" }));
    this.reset = button("Reset", "Know nothing; can be undone", () => this.send({ do: "reset" }));
    this.file = h("input", {
      type: "file", accept: ".toml,.json", hidden: true, "aria-label": "Case file", tabindex: "-1",
      onchange: () => this.load(),
    });
    return h("div", { class: "tt-tools", role: "group", "aria-label": "The case" },
      this.undo, this.redo, this.reset, h("span", { class: "tt-gap" }),
      button("Copy as code", "Copy the case as Python code", () => this.copy()),
      button("Save", "Save the case as a file", () => this.save()),
      button("Load", "Load a case from a file", () => this.file.click()), this.file, this.status);
  }

  // -- what is shown -------------------------------------------------------------------------------------------------

  show() {
    const view = this.view();
    this.showLevel(view.triage);
    this.refusal.textContent = view.refusal;
    this.refusal.hidden = !view.refusal;
    this.undo.disabled = !view.undo;
    this.redo.disabled = !view.redo;
    this.reset.disabled = Object.keys(view.answers).length === 0;
    this.code.textContent = view.code;
    this.showChips(view.answers);
    for (const [id, row] of this.rows) row.show(view.answers[id]);
    this.showProblem(view);
    this.showBars(view);
    this.showSupposing(view.supposed);
    for (const name of ["details", "why", "ask", "what_if"]) this.showPart(name);
  }

  /** Flags and answers come before the probabilities are there; what is shown of those is of the case before. */
  showFlags({ answers, triage }) {
    for (const section of Object.values(this.parts)) section.setAttribute("aria-busy", "true");
    this.showLevel(triage, true);
    this.showChips(answers);
    for (const [id, row] of this.rows) row.show(answers[id]);
  }

  showLevel(triage, early = false) {
    if (!triage) {
      this.level.hidden = true;
      return;
    }
    const { levels } = this.catalogue;
    const count = triage.flags.length;
    const flags = count ? `${count} red flag${count > 1 ? "s" : ""}` : "No red flag";
    const place = `level ${triage.rank + 1} of ${levels.length}`;
    const alarm = count > 0 || triage.rank === levels.length - 1;
    this.level.className = `tt-level${alarm ? " tt-alarm" : ""}`;
    const steps = levels.map((_, n) => h("span", { class: n <= triage.rank ? "tt-on" : null }));
    const title = h("div", { class: "tt-level-title" },
      h("strong", {}, `${count ? `⚑ ${flags.toUpperCase()}: ` : ""}${capital(triage.level)}`),
      h("span", { class: "tt-scale", "aria-hidden": "true" }, steps),
      h("span", {}, `${capital(place)}, by the ${triage.policy} policy`));
    const fired = triage.flags.map((flag) => h("li", {},
      h("strong", {}, `⚑ ${flag.title}: ${flag.level}. `), `${flag.rationale} `,
      h("em", {}, `Because ${flag.because}. `), h("span", { class: "tt-soft" }, `[${flag.source}]`)));
    const remarks = [count ? null : "No red flag fired.", ...triage.remarks].filter(Boolean);
    const details = early ? null : this.current("details");
    if (details && details.if_no) remarks.push(details.if_no);
    this.level.replaceChildren(title, count ? h("ul", { class: "tt-flags" }, fired) : "",
      h("p", { class: "tt-remarks" }, remarks.join(" ")));
    // Said once for each change of level or flags, so that a screen reader is not told the same again.
    const said = `${flags}. ${capital(triage.level)}, ${place}.`;
    if (said !== this.said) this.live.textContent = this.said = said;
  }

  showChips(answers) {
    const chips = Object.entries(answers).map(([id, answer]) => h("li", { class: "tt-chip" },
      h("button", { type: "button", class: "tt-link", title: "Show it in the list", onclick: () => this.reveal(id) },
        `${answer.label}: ${answer.text}`),
      h("button", {
        type: "button", class: "tt-remove", "aria-label": `Take back ${answer.label}`,
        onclick: () => { this.send({ do: "clear", id }); this.filter.focus(); },
      }, "×")));
    this.keepingFocus(() => this.chips.replaceChildren(
      ...(chips.length ? chips : [h("li", { class: "tt-soft" }, "Nothing yet: these are the priors.")])));
  }

  showProblem(view) {
    this.problem.hidden = !view.problem;
    this.none.hidden = this.accounts.hidden = Boolean(view.problem);
    if (!view.problem) return;
    const clash = view.clash.length
      ? [h("strong", {}, "These answers cannot hold together: "), `${view.clash.join("; ")}. Take one back, or undo.`]
      : [h("strong", {}, "No posterior: "), `${view.problem}.`];
    this.problem.replaceChildren(h("p", {}, ...clash));
  }

  showBars(view) {
    const shown = this.allBars ? view.bars : view.bars.filter((bar, n) => n < BARS || bar.id === view.selected);
    this.keepingFocus(() => {
      for (const [id, bar] of this.bars) {
        if (!shown.some((other) => other.id === id)) {
          bar.remove();
          this.bars.delete(id);
        }
      }
      shown.forEach((bar, n) => {
        if (!this.bars.has(bar.id)) this.bars.set(bar.id, this.makeBar(bar));
        const item = this.bars.get(bar.id);
        this.fillBar(item, bar, view.selected === bar.id);
        if (this.causes.children[n] !== item) this.causes.insertBefore(item, this.causes.children[n] || null);
      });
    });
    this.more.hidden = view.bars.length <= BARS;
    this.more.textContent = this.allBars ? "Show the first few" : `Show all ${view.bars.length}`;
  }

  /** What the whole assessment adds to what is shown already; dots until it is there. */
  showDetails(details) {
    this.showLevel(this.view().triage);
    const mark = "The mark on a bar is where it stood with nothing known.";
    const none = details ? details.none : undefined;
    this.none.textContent = none === null || !this.view().triage ? mark
      : `No listed cause present: ${none === undefined ? "…" : percent(none)}. ${mark}`;
    const share = details ? details.accounts[this.view().selected] || 0 : 0;
    this.accounts.textContent = !this.view().triage ? ""
      : `Findings expected to vanish without it: ${details ? `${share.toFixed(1)} of ${details.findings}` : "…"}.`;
  }

  makeBar(bar) {
    const select = () => this.send({ do: "select", id: this.view().selected === bar.id ? null : bar.id });
    const rows = bar.rows.map((row) => {
      const name = h("span", { class: "tt-name" }, bar.single ? bar.label : row.label);
      return h("span", { class: "tt-bar-row" }, name, track(0, 0), h("span", { class: "tt-number" }));
    });
    const title = bar.single ? "" : h("span", { class: "tt-bar-title" }, bar.label);
    return h("li", {}, h("button", { type: "button", class: "tt-bar", onclick: select }, title, rows));
  }

  fillBar(item, bar, selected) {
    const button = item.firstChild;
    button.setAttribute("aria-pressed", String(selected));
    button.title = selected ? "Explained below" : "Explain this one";
    const rows = button.querySelectorAll(".tt-bar-row");
    bar.rows.forEach((row, n) => {
      const [, bar_, number] = rows[n].children;
      bar_.children[0].style.width = `${(100 * row.p).toFixed(2)}%`;
      bar_.children[1].style.left = `${(100 * row.prior).toFixed(2)}%`;
      number.textContent = percent(row.p);
    });
  }

  toggleBars() {
    this.allBars = !this.allBars;
    this.showBars(this.view());
  }

  /** Return a later part's answer if it is of what is shown, else null. */
  current(name) {
    const part = this.model.get(name);
    return part && part.serial !== undefined && part.serial === this.view().parts[name] ? part.answer || null : null;
  }

  showPart(name) {
    const wanted = this.view().parts[name];
    const part = this.model.get(name) || {};
    const section = this.parts[name];
    const stale = wanted !== undefined && part.serial !== wanted;
    if (section) section.setAttribute("aria-busy", String(stale));
    if (name === "details") this.showDetails(stale ? null : part.answer || NO_DETAILS);
    if (stale || name === "details") return;
    const place = { why: this.why, ask: this.ask, what_if: this.supposed }[name];
    const content = wanted === undefined ? this.nothing(name)
      : part.problem ? h("p", { class: "tt-problem" }, `${capital(part.problem)}.`)
        : { why: () => this.showWhy(part.answer), ask: () => this.showAsk(part.answer),
          what_if: () => this.showWhatIf(part.answer) }[name]();
    this.keepingFocus(() => place.replaceChildren(...[content].flat()));
  }

  nothing(name) {
    if (this.view().problem) return h("p", { class: "tt-soft" }, "Nothing to say while there is no posterior.");
    return h("p", { class: "tt-soft" },
      name === "what_if" ? "Choose what to set, to see what would have been." : "Everything is observed.");
  }

  showWhy(answer) {
    this.parts.why.querySelector("h3 span").textContent = `Why ${answer.label}`;
    if (answer.certain) return h("p", {}, `${capital(answer.certain)}.`);
    const extent = Math.max(...answer.rows.map((row) => Math.abs(row.value)), 1e-9);
    const line = h("p", {}, `From ${percent(answer.prior)} with nothing known to `,
      h("strong", {}, percent(answer.posterior)), answer.rows.length ? "; what each answer adds:" : "; no answer bears on it.");
    const rows = answer.rows.map((row) => h("tr", {},
      h("th", { scope: "row" }, row.label),
      h("td", { class: "tt-signed" }, signed(row.value, extent), ` ${row.says}`),
      h("td", { class: "tt-number" }, `${row.value < 0 ? "−" : "+"}${Math.abs(row.value).toFixed(2)}`)));
    const table = h("table", { class: "tt-table" },
      h("caption", { class: "tt-hidden" }, `What each answer adds to ${answer.label}`),
      h("thead", { class: "tt-hidden" }, h("tr", {}, ...["Answer", "Speaks", "In natural-log odds"].map(
        (text) => h("th", { scope: "col" }, text)))),
      h("tbody", {}, rows));
    const notes = [
      answer.more ? `${answer.more} more.` : "",
      answer.rows.length ? "In natural-log odds; they add up to the change." : "",
      answer.bound ? `Sampled: each is within ${answer.bound.toPrecision(2)}.` : "",
      answer.neutral ? `Say nothing about it: ${answer.neutral}.` : "",
      answer.unexplained ? `Not explained by it: ${answer.unexplained}.` : "",
    ].filter(Boolean).join(" ");
    return [line, rows.length ? table : "", notes ? h("p", { class: "tt-soft" }, notes) : ""].filter(Boolean);
  }

  showAsk(answer) {
    const items = answer.questions.map((question) => h("li", {},
      h("button", {
        type: "button", class: "tt-link tt-question", title: "Show it in the list",
        onclick: () => this.reveal(question.id),
      }, question.wording || `${question.label}?`),
      question.raise_to ? h("strong", {}, ` ⚑ could raise the level to ${question.raise_to}`) : "",
      h("span", { class: "tt-soft" }, question.raise_to ? "" : ` ${capital(question.reason)}.`),
      h("span", { class: "tt-quick", role: "group", "aria-label": `Answer: ${question.label}` },
        question.states.map((state) => h("button", {
          type: "button", onclick: () => { this.send({ do: "answer", id: question.id, state: state.state }); },
        }, state.label)))));
    const about = answer.about ? h("p", { class: "tt-soft" }, `What tells most about ${answer.about}.`) : "";
    const list = items.length ? h("ol", { class: "tt-ask" }, items) : h("p", {}, "Nothing is left to ask.");
    return [about, list, answer.settled ? h("p", { class: "tt-soft" }, answer.settled) : ""].filter(Boolean);
  }

  supposing() {
    const option = (item) => h("option", { value: item.id }, item.label);
    this.whatId = h("select", { "aria-label": "What to set", onchange: () => this.suppose() },
      h("option", { value: "" }, "nothing is set"), this.catalogue.modifiable.map(option));
    this.whatState = h("select", { "aria-label": "To which state", onchange: () => this.suppose(this.whatState.value) });
    return h("p", { class: "tt-supposing" }, h("span", {}, "What would have been, had "), this.whatId,
      h("span", {}, " been "), this.whatState);
  }

  suppose(state = null) {
    const id = this.whatId.value;
    this.send(id ? { do: "suppose", id, state } : { do: "suppose", id: null });
  }

  showSupposing(supposed) {
    if (!this.whatId) return;
    this.whatId.value = supposed ? supposed.id : "";
    const item = this.catalogue.modifiable.find((other) => supposed && other.id === supposed.id);
    const states = item ? item.states : [];
    if (this.whatState.dataset.of !== (item ? item.id : "")) {
      this.whatState.replaceChildren(...states.map((s) => h("option", { value: s.state }, s.label)));
      this.whatState.dataset.of = item ? item.id : "";
    }
    this.whatState.disabled = !item;
    if (supposed) this.whatState.value = supposed.state;
  }

  showWhatIf(answer) {
    if (!answer.rows.length) return h("p", {}, "Nothing would have been different.");
    const rows = answer.rows.map((row) => h("tr", {}, h("th", { scope: "row" }, row.label),
      h("td", {}, track(row.instead, row.now)),
      h("td", { class: "tt-number" }, percent(row.now)),
      h("td", { class: "tt-number" }, h("strong", {}, `→ ${percent(row.instead)}`))));
    return [h("table", { class: "tt-table" },
      h("caption", { class: "tt-hidden" }, `What would have been, had it been ${answer.said}`),
      h("thead", { class: "tt-hidden" }, h("tr", {}, ...["Of", "Shown", "Now", "Then"].map(
        (text) => h("th", { scope: "col" }, text)))),
      h("tbody", {}, rows)),
    h("p", { class: "tt-soft" }, `${answer.more ? `${answer.more} more. ` : ""}The bar is what would have been, its mark what is.`)];
  }

  // -- the list of variables -----------------------------------------------------------------------------------------

  list() {
    const words = this.filter.value.toLowerCase().split(/\s+/).filter(Boolean);
    const matches = (group, item) => {
      const text = `${item.label} ${item.id.replaceAll("_", " ")} ${item.question} ${group.heading} ${group.group}`.toLowerCase();
      return words.every((word) => text.includes(word));
    };
    const open = new Map([...this.groups.children].map((group) => [group.dataset.key, group.open]));
    this.rows = new Map();
    let found = 0;
    const groups = [];
    const all = this.items.size;
    this.catalogue.groups.forEach((group, n) => {
      const items = group.items.filter((item) => matches(group, item));
      const fits = items.slice(0, Math.max(0, ROWS - found));
      found += items.length;
      if (!fits.length) return;
      const key = `${group.kind}/${group.group}`;
      const opened = words.length > 0 || (open.has(key) && !this.filtered ? open.get(key) : n === 0 || all <= 12);
      const name = group.group && group.group !== group.heading.toLowerCase() ? `${group.heading}: ${group.group}` : group.heading;
      const rows = fits.map((item) => {
        const row = new Row(this, item);
        this.rows.set(item.id, row);
        return row.element;
      });
      groups.push(h("details", { class: "tt-group", "data-key": key, open: opened },
        h("summary", {}, name, h("span", { class: "tt-soft" }, ` ${items.length}`)), rows));
    });
    this.filtered = words.length > 0;
    this.groups.replaceChildren(...(groups.length ? groups
      : [h("p", { class: "tt-soft" }, "Nothing of that name. Try another word.")]));
    const listed = Math.min(found, ROWS);
    this.found.textContent = words.length || listed < found
      ? `${found} of ${all} match${listed < found ? `, the first ${listed} are shown` : ""}` : "";
    const { answers } = this.view();
    for (const [id, row] of this.rows) row.show(answers[id]);
  }

  fromFilter(event) {
    if (event.key !== "Enter" && event.key !== "ArrowDown") return;
    event.preventDefault();
    const first = this.groups.querySelector("details[open] .tt-row input, details[open] .tt-row select");
    if (first) first.focus();
  }

  /** Show a variable in the list, its group open, and put the focus on its answers. */
  reveal(id) {
    if (!this.rows.has(id)) {
      this.filter.value = (this.items.get(id) || { label: "" }).label;
      this.list();
    }
    if (!this.rows.has(id) && this.filter.value) {
      this.filter.value = "";
      this.list();
    }
    const row = this.rows.get(id);
    if (!row) return;
    row.element.closest("details").open = true;
    row.focus();
    row.element.scrollIntoView({ block: "nearest" });
  }

  /** Change the page without taking the focus from who works with the keyboard. */
  keepingFocus(change) {
    const active = this.root.contains(document.activeElement) ? document.activeElement : null;
    const place = active ? path(this.root, active) : null;
    change();
    if (!active || document.activeElement === active) return;
    if (this.root.contains(active)) active.focus({ preventScroll: true });
    else if (place) {
      const near = follow(this.root, place);
      const target = near && near.closest("button, input, select, a, [tabindex]");
      if (target && this.root.contains(target)) target.focus({ preventScroll: true });
    }
  }

  // -- the case as a file and as code --------------------------------------------------------------------------------

  tell(text) {
    this.status.textContent = text;
    clearTimeout(this.fading);
    this.fading = setTimeout(() => { this.status.textContent = ""; }, 4000);
  }

  async copy() {
    const { code } = this.view();
    try {
      await navigator.clipboard.writeText(code);
      this.tell("Copied.");
    } catch {
      // A page that may not write to the clipboard: show the code, selected.
      this.copied.open = true;
      const range = document.createRange();
      range.selectNodeContents(this.code);
      const selection = window.getSelection();
      selection.removeAllRanges();
      selection.addRange(range);
      this.code.focus();
      this.tell("Selected below: copy it with the keyboard.");
    }
  }

  save() {
    const link = h("a", {
      href: URL.createObjectURL(new Blob([this.view().file], { type: "application/toml" })), download: "case.toml",
    });
    document.body.append(link);
    link.click();
    link.remove();
    setTimeout(() => URL.revokeObjectURL(link.href), 10000);
    this.tell("Saved as case.toml.");
  }

  async load() {
    const [file] = this.file.files;
    if (!file) return;
    const text = await file.text();
    this.file.value = "";
    this.send({ do: "load", text, name: file.name });
  }
}

/** Where an element stands below a root, as a list of indices; and what stands there now, or as near as there is. */
function path(root, element) {
  const steps = [];
  for (let at = element; at !== root; at = at.parentElement) steps.unshift([...at.parentElement.children].indexOf(at));
  return steps;
}

function follow(root, steps) {
  let at = root;
  for (const step of steps) {
    if (!at.children.length) break;
    at = at.children[Math.min(step, at.children.length - 1)];
  }
  return at;
}

/** A bar from the middle: solid to the right for, hollow to the left against. */
function signed(value, extent) {
  const reach = (50 * Math.abs(value)) / extent;
  const place = value >= 0 ? `left:50%;width:${reach}%` : `right:50%;width:${reach}%`;
  return h("span", { class: "tt-track tt-middle", "aria-hidden": "true" },
    h("span", { class: value >= 0 ? "tt-for" : "tt-against", style: place }));
}

/** One variable of the list: its states, unknown, and how sure. */
class Row {
  constructor(page, item) {
    this.page = page;
    this.item = item;
    this.id = `${page.uid}-${[...page.items.keys()].indexOf(item.id)}`;
    this.listed = item.states.length > ABREAST;
    const help = item.question || item.definition;
    this.sure = h("select", {
      class: "tt-sure", "aria-label": `How sure of ${item.label}`, hidden: true, onchange: () => this.send(),
    }, SURE.map(([value, text]) => h("option", { value }, text)));
    this.other = h("span", { class: "tt-soft", hidden: true });
    this.element = h("div", { class: "tt-row" },
      h("span", { class: "tt-label", id: this.id }, item.label),
      this.listed ? this.choices() : this.radios(), this.sure, this.other,
      help ? h("span", { class: "tt-help tt-soft", id: `${this.id}-help` }, help) : "");
  }

  described() {
    return this.item.question || this.item.definition ? `${this.id}-help` : null;
  }

  radios() {
    const options = [...this.item.states, { state: "", label: "unknown" }];
    this.inputs = options.map(({ state }) => h("input", {
      type: "radio", name: this.id, value: state, onchange: () => this.send(state),
    }));
    return h("span", {
      class: "tt-choices", role: "radiogroup", "aria-labelledby": this.id, "aria-describedby": this.described(),
      onkeydown: (event) => this.byLetter(event),
    }, options.map(({ label }, n) => h("label", {}, this.inputs[n], h("span", {}, label))));
  }

  choices() {
    this.select = h("select", {
      "aria-labelledby": this.id, "aria-describedby": this.described(), onchange: () => this.send(this.select.value),
    }, h("option", { value: "" }, "unknown"), this.item.states.map(({ state, label }) => h("option", { value: state }, label)));
    return this.select;
  }

  /** y, n and u answer a yes-or-no row that has the focus. */
  byLetter(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const input = this.inputs.find((_, n) => {
      const label = n < this.item.states.length ? this.item.states[n].label : "unknown";
      return ["yes", "no", "unknown"].includes(label) && label[0] === event.key.toLowerCase();
    });
    if (!input) return;
    event.preventDefault();
    input.focus();
    if (!input.checked) {
      input.checked = true;
      this.send(input.value);
    }
  }

  state() {
    if (this.listed) return this.select.value;
    const checked = this.inputs.find((input) => input.checked);
    return checked ? checked.value : "";
  }

  send(state = this.state()) {
    const { id } = this.item;
    if (!state) this.page.send({ do: "clear", id });
    else this.page.send({ do: "answer", id, state, sure: this.sure.hidden ? 1 : Number(this.sure.value) });
  }

  show(answer) {
    const state = answer && answer.state !== undefined ? answer.state : "";
    if (this.listed) this.select.value = state;
    else for (const input of this.inputs) input.checked = answer && answer.state === undefined ? false : input.value === state;
    this.element.classList.toggle("tt-answered", Boolean(answer));
    this.sure.hidden = !state;
    if (state) {
      const value = String(answer.sure);
      if (![...this.sure.options].some((option) => option.value === value)) {
        this.sure.append(h("option", { value }, `${(100 * answer.sure).toPrecision(3)}% sure`));
      }
      this.sure.value = value;
    } else this.sure.value = "1";
    this.other.hidden = !answer || answer.state !== undefined;
    this.other.textContent = answer && answer.state === undefined ? answer.text : "";
  }

  focus() {
    if (this.listed) this.select.focus();
    else (this.inputs.find((input) => input.checked) || this.inputs[0]).focus();
  }
}

export default {
  render({ model, el }) {
    const root = h("section", {
      class: "tt-explorer", "aria-label": "Case explorer", "data-lm-suppress-shortcuts": "true",
      // The notebook's own keys (in command mode y turns a cell into code) must not act while someone answers here.
      onkeydown: (event) => event.stopPropagation(),
    });
    el.append(root);
    const page = new Page(model, root);
    page.build();
    const listeners = { "change:view": () => page.show(), "msg:custom": (message) => page.showFlags(message) };
    for (const name of ["details", "why", "ask", "what_if"]) listeners[`change:${name}`] = () => page.showPart(name);
    for (const [event, listener] of Object.entries(listeners)) model.on(event, listener);
    return () => {
      for (const [event, listener] of Object.entries(listeners)) model.off(event, listener);
      clearTimeout(page.fading);
    };
  },
};
