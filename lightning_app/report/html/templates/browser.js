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

function browse(root, galleries) {
  const find = (name) => root.querySelector(`.${name}`);
  const [table, panels, dialog] = [find("cases"), find("panels"), find("enlarged")];
  let shown = 0; // place of the case in its gallery
  let name = ""; // of the case: it has another place in the gallery of another modality
  let asked = 0; // counts the drawings: only the last one asked for is shown
  let drawn = [];
  let enlarged = 0; // place of the panel in the dialog

  const gallery = () => galleries[Number(find("modality").value)];
  const target = () => Number(find("target").value);

  function address() {
    const parts = [root.id, gallery().modality, gallery().classes[target()], name];
    return `#${parts.map(encodeURIComponent).join("/")}`;
  }

  // Show what the page's address names; of what it does not name, the first modality, the first
  // target and the median case.
  function open() {
    const [id, modality, className, wanted] = partsOfAddress();
    const isNamed = id === root.id;
    const place = galleries.findIndex((one) => isNamed && one.modality === modality);
    find("modality").value = Math.max(place, 0);
    fill(find("target"), gallery().classes);
    find("target").value = Math.max(gallery().classes.indexOf(isNamed ? className : ""), 0);
    fillTable();
    show(placeOf(isNamed ? wanted : ""));
    const isMissing = isNamed && wanted !== undefined && wanted !== name;
    find("missing").textContent = isMissing ? `There is no case ${wanted} here.` : "";
    if (isNamed) root.scrollIntoView();
  }

  function placeOf(wanted) {
    const place = gallery().cases.findIndex((item) => item.case === wanted);
    return place < 0 ? gallery().median : place;
  }

  function fillTable() {
    const sorted = table.tHead.querySelector("[aria-sort]");
    const heads = ["Case", "Slice", "True pixels", ...gallery().networks.map((n) => `Dice, ${n}`)];
    const top = element("tr");
    top.append(...heads.map((head, place) => headingOf(head, place)));
    table.tHead.replaceChildren(top);
    table.tBodies[0].replaceChildren(...gallery().cases.map(rowOf));
    const heading = sorted && top.cells[sorted.cellIndex];
    if (heading) sortBy(heading, sorted.getAttribute("aria-sort"));
    stick(table.parentElement);
  }

  function headingOf(text, place) {
    const heading = element("th");
    heading.className = place > 0 ? "number" : "key";
    heading.scope = "col";
    const button = element("button", text);
    button.type = "button";
    heading.append(button);
    return heading;
  }

  function rowOf(item, place) {
    const row = element("tr");
    row.dataset.place = place;
    const first = cell("", item.case, false);
    const button = element("button", item.case);
    button.type = "button";
    button.addEventListener("click", () => choose(place));
    first.append(button);
    const size = item.pixels[target()];
    const dice = item.dice.map((scores) => scores[target()]);
    row.append(first, cell(item.slice, item.slice, true), cell(size, size, true));
    row.append(...dice.map((score) => cell(score.toFixed(3), score, true)));
    return row;
  }

  async function show(place) {
    const item = gallery().cases[place];
    [shown, name] = [place, item.case];
    asked += 1;
    const number = asked;
    const view = find("view").value;
    markRow();
    const pictures = await drawCase(gallery(), item, target(), view);
    if (number !== asked) return;
    drawn = pictures;
    find("which").textContent =
      `${item.case} (${place + 1} of ${gallery().cases.length}), slice ${item.slice}, ${gallery().title}.`;
    find("link").href = address();
    find("errors").hidden = view !== "errors";
    find("lesions").hidden = !gallery().hasLesions || view === "image";
    fillPanels();
    if (dialog.open) fillDialog();
  }

  function markRow() {
    for (const row of table.tBodies[0].rows) {
      const isShown = Number(row.dataset.place) === shown;
      if (isShown) {
        row.setAttribute("aria-current", "true");
        // Within its own box: the page must not leave the panels.
        table.parentElement.scrollTop = row.offsetTop - table.parentElement.clientHeight / 2;
      } else row.removeAttribute("aria-current");
    }
  }

  // The panel that has the focus keeps it.
  function fillPanels() {
    const focused = [...panels.children].findIndex((panel) => panel.contains(document.activeElement));
    panels.replaceChildren(...drawn.map((picture, place) => panelOf(picture, () => enlarge(place))));
    if (focused >= 0) focus(focused);
  }

  // Another modality may have fewer panels.
  function focus(place) {
    (panels.children[place]?.querySelector("button") ?? panels).focus();
  }

  function enlarge(place) {
    enlarged = place;
    fillDialog();
    dialog.showModal();
  }

  function fillDialog() {
    const { caption, canvas } = drawn[enlarged] ?? drawn[0];
    const full = { caption: `${name}, ${caption}`, canvas };
    dialog.querySelector("div").replaceChildren(enlargedOf(full));
  }

  // Show a case that the reader chose: the page's address names it from now on.
  function choose(place) {
    show(place);
    find("missing").textContent = "";
    history.replaceState(null, "", address());
  }

  // One further in the order in which the table is sorted now.
  function step(by) {
    const rows = [...table.tBodies[0].rows];
    const here = rows.findIndex((row) => Number(row.dataset.place) === shown);
    choose(Number(rows[(here + by + rows.length) % rows.length].dataset.place));
  }

  // Another modality, with the same case and target.
  function stepModality(by) {
    const select = find("modality");
    select.selectedIndex = (select.selectedIndex + by + galleries.length) % galleries.length;
    select.dispatchEvent(new Event("change"));
  }

  function onKey(event) {
    if (event.altKey || event.ctrlKey || event.metaKey || event.shiftKey) return;
    const steps = {
      ArrowLeft: () => step(-1),
      ArrowRight: () => step(1),
      ArrowUp: () => stepModality(-1),
      ArrowDown: () => stepModality(1),
    };
    if (!steps[event.key]) return;
    event.preventDefault(); // the page does not scroll
    steps[event.key]();
  }

  fill(find("modality"), galleries.map((one) => one.title));
  find("modality").addEventListener("change", () => {
    const place = target();
    fill(find("target"), gallery().classes);
    find("target").value = place;
    fillTable();
    choose(placeOf(name));
  });
  find("target").addEventListener("change", () => { fillTable(); choose(shown); });
  find("view").addEventListener("change", () => show(shown));
  find("previous").addEventListener("click", () => step(-1));
  find("next").addEventListener("click", () => step(1));
  find("choices").addEventListener("submit", (event) => event.preventDefault());
  for (const box of [panels, dialog]) box.addEventListener("keydown", onKey);
  dialog.addEventListener("close", () => focus(enlarged)); // its button may have been replaced
  dialog.addEventListener("click", (event) => { if (event.target === dialog) dialog.close(); });
  window.addEventListener("hashchange", () => {
    const [id, ...named] = partsOfAddress();
    if (id === root.id && named.length) open();
  });
  open();
}

for (const stored of document.querySelectorAll("script.galleries")) {
  browse(stored.closest(".browser"), JSON.parse(stored.textContent));
}
