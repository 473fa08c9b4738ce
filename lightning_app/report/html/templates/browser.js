// Case browser --------------------------------------------------------------------------------

function cell(text, value, isNumber) {
  const made = element("td", text);
  made.dataset.value = value;
  if (isNumber) made.className = "number";
  return made;
}

function fill(select, names) {
  select.replaceChildren(...names.map((name, place) => {
    const option = element("option", name);
    option.value = place;
    return option;
  }));
}

// The parts of the page's address after #, such as case-1, t2f, whole and the case.
function partsOfAddress() {
  try {
    return location.hash.slice(1).split("/").map(decodeURIComponent);
  } catch {
    return []; // not an address of ours
  }
}

function headingOf(text, isName) {
  const heading = element("th");
  heading.className = isName ? "key" : "number";
  heading.scope = "col";
  const button = element("button", text);
  button.type = "button";
  heading.append(button);
  return heading;
}

class CaseBrowser {
  #shown = 0; // place of the case in its gallery
  #name = ""; // of the case: it has another place in the gallery of another modality
  #asked = 0; // counts the drawings: only the last one asked for is shown
  #drawn = [];
  #enlarged = 0; // place of the panel in the dialog

  constructor(root, galleries) {
    this.root = root;
    this.galleries = galleries;
    for (const name of ["modality", "target", "view", "table", "panels", "dialog"]) {
      this[name] = root.querySelector(`.${name}`);
    }
    fill(this.modality, galleries.map((gallery) => gallery.title));
    this.#listen();
    this.open();
  }

  get gallery() {
    return this.galleries[Number(this.modality.value)];
  }

  get address() {
    const { modality, classes } = this.gallery;
    const parts = [this.root.id, modality, classes[this.target.value], this.#name];
    return `#${parts.map(encodeURIComponent).join("/")}`;
  }

  #listen() {
    const find = (name) => this.root.querySelector(`.${name}`);
    this.modality.addEventListener("change", () => this.#changeModality());
    this.target.addEventListener("change", () => { this.#fillTable(); this.choose(this.#shown); });
    this.view.addEventListener("change", () => this.show(this.#shown));
    find("previous").addEventListener("click", () => this.#step(-1));
    find("next").addEventListener("click", () => this.#step(1));
    find("choices").addEventListener("submit", (event) => event.preventDefault());
    for (const box of [this.panels, this.dialog]) {
      box.addEventListener("keydown", (event) => this.#onKey(event));
    }
    // The button that opened the dialog may have been replaced.
    this.dialog.addEventListener("close", () => this.#focus(this.#enlarged));
    this.dialog.addEventListener("click", ({ target }) => {
      if (target === this.dialog) this.dialog.close();
    });
    window.addEventListener("hashchange", () => {
      const [id, ...named] = partsOfAddress();
      if (id === this.root.id && named.length) this.open();
    });
  }

  // Show what the page's address names; of what it does not name, the first modality, the first
  // target and the median case.
  open() {
    const [id, ...named] = partsOfAddress();
    const isNamed = id === this.root.id;
    const [modality, className, wanted] = isNamed ? named : [];
    const place = this.galleries.findIndex((gallery) => gallery.modality === modality);
    this.modality.value = Math.max(place, 0);
    fill(this.target, this.gallery.classes);
    this.target.value = Math.max(this.gallery.classes.indexOf(className), 0);
    this.#fillTable();
    this.show(this.#placeOf(wanted));
    const isMissing = wanted !== undefined && wanted !== this.#name;
    this.#say(isMissing ? `There is no case ${wanted} here.` : "");
    if (isNamed) this.root.scrollIntoView();
  }

  #placeOf(wanted) {
    const place = this.gallery.cases.findIndex((item) => item.case === wanted);
    return place < 0 ? this.gallery.median : place;
  }

  #say(message) {
    this.root.querySelector(".missing").textContent = message;
  }

  #fillTable() {
    const { networks, cases } = this.gallery;
    const sorted = this.table.tHead.querySelector("[aria-sort]");
    const heads = ["Case", "Slice", "True pixels", ...networks.map((name) => `Dice, ${name}`)];
    const top = element("tr");
    top.append(...heads.map((head, place) => headingOf(head, place === 0)));
    this.table.tHead.replaceChildren(top);
    this.table.tBodies[0].replaceChildren(...cases.map((item, place) => this.#rowOf(item, place)));
    const heading = sorted && top.cells[sorted.cellIndex];
    if (heading) sortBy(heading, sorted.getAttribute("aria-sort"));
    stick(this.table.parentElement);
  }

  #rowOf(item, place) {
    const row = element("tr");
    row.dataset.place = place;
    const first = cell("", item.case, false);
    const button = element("button", item.case);
    button.type = "button";
    button.addEventListener("click", () => this.choose(place));
    first.append(button);
    const size = item.pixels[this.target.value];
    const dice = item.dice.map((scores) => scores[this.target.value]);
    row.append(first, cell(item.slice, item.slice, true), cell(size, size, true));
    row.append(...dice.map((score) => cell(score.toFixed(3), score, true)));
    return row;
  }

  async show(place) {
    const { gallery, view: { value: view } } = this;
    const item = gallery.cases[place];
    [this.#shown, this.#name] = [place, item.case];
    this.#asked += 1;
    const asked = this.#asked;
    this.#markRow();
    const drawn = await drawCase(gallery, item, Number(this.target.value), view);
    if (asked !== this.#asked) return;
    this.#drawn = drawn;
    this.#fillPanels();
    if (this.dialog.open) this.#fillDialog();
    this.#fillTexts(gallery, item, view);
  }

  #fillTexts(gallery, item, view) {
    const find = (name) => this.root.querySelector(`.${name}`);
    const place = `${this.#shown + 1} of ${gallery.cases.length}`;
    find("which").textContent = `${item.case} (${place}), slice ${item.slice}, ${gallery.title}.`;
    find("link").href = this.address;
    find("errors").hidden = view !== "errors";
    find("lesions").hidden = !gallery.hasLesions || view === "image";
  }

  #markRow() {
    const box = this.table.parentElement;
    for (const row of this.table.tBodies[0].rows) {
      row.removeAttribute("aria-current");
      if (Number(row.dataset.place) !== this.#shown) continue;
      row.setAttribute("aria-current", "true");
      // Within its own box: the page must not leave the panels.
      box.scrollTop = row.offsetTop - box.clientHeight / 2;
    }
  }

  // The panel that has the focus keeps it.
  #fillPanels() {
    const focused = [...this.panels.children].findIndex((panel) => panel.matches(":focus-within"));
    const panels = this.#drawn.map((picture, place) => panelOf(picture, () => this.#enlarge(place)));
    this.panels.replaceChildren(...panels);
    if (focused >= 0) this.#focus(focused);
  }

  // Another modality may have fewer panels.
  #focus(place) {
    (this.panels.children[place]?.querySelector("button") ?? this.panels).focus();
  }

  #enlarge(place) {
    this.#enlarged = place;
    this.#fillDialog();
    this.dialog.showModal();
  }

  #fillDialog() {
    const { caption, canvas } = this.#drawn[this.#enlarged] ?? this.#drawn[0];
    const full = { caption: `${this.#name}, ${caption}`, canvas };
    this.dialog.querySelector("div").replaceChildren(enlargedOf(full));
  }

  // Show a case that the reader chose: the page's address names it from now on.
  choose(place) {
    this.show(place);
    this.#say("");
    history.replaceState(null, "", this.address);
  }

  // One further in the order in which the table is sorted now.
  #step(by) {
    const rows = [...this.table.tBodies[0].rows];
    const here = rows.findIndex((row) => Number(row.dataset.place) === this.#shown);
    this.choose(Number(rows[(here + by + rows.length) % rows.length].dataset.place));
  }

  #stepModality(by) {
    const { galleries, modality } = this;
    modality.selectedIndex = (modality.selectedIndex + by + galleries.length) % galleries.length;
    this.#changeModality();
  }

  // The same case and target in another modality.
  #changeModality() {
    this.#fillTable();
    this.choose(this.#placeOf(this.#name));
  }

  #onKey(event) {
    if (event.altKey || event.ctrlKey || event.metaKey || event.shiftKey) return;
    const steps = {
      ArrowLeft: () => this.#step(-1),
      ArrowRight: () => this.#step(1),
      ArrowUp: () => this.#stepModality(-1),
      ArrowDown: () => this.#stepModality(1),
    };
    if (!steps[event.key]) return;
    event.preventDefault(); // the page does not scroll
    steps[event.key]();
  }
}

for (const stored of document.querySelectorAll("script.galleries")) {
  new CaseBrowser(stored.closest(".browser"), JSON.parse(stored.textContent));
}
