// Case browser --------------------------------------------------------------------------------

const COLOURS = { hit: [86, 180, 233], missed: [240, 228, 66], false: [213, 94, 0] };
const STRENGTH = 0.6;
const LESIONS = {
  missed: { colour: "#f0e442", dashes: [4, 3] },
  invented: { colour: "#d55e00", dashes: [] },
};
const MARGIN = 3; // pixels between a lesion and its box

function element(tag, text) {
  const made = document.createElement(tag);
  if (text !== undefined) made.textContent = text;
  return made;
}

function cell(text, value, isNumber) {
  const made = element("td", text);
  made.dataset.value = value;
  if (isNumber) made.className = "number";
  return made;
}

// The pixels of an embedded picture: RGBA, a byte each.
async function pixels(address, width, height) {
  const image = new Image();
  image.src = address;
  await image.decode();
  const canvas = document.createElement("canvas");
  canvas.width = width;
  canvas.height = height;
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.drawImage(image, 0, 0);
  return context.getImageData(0, 0, width, height);
}

// Colour the pixels of a picture by ground truth and mask.
function paint(picture, truth, mask, view) {
  for (let at = 0; at < picture.data.length; at += 4) {
    const isTrue = truth.data[at] > 0;
    const isMarked = mask.data[at] > 0;
    let colour = null;
    if (view === "mask") colour = isMarked ? COLOURS.hit : null;
    else if (isTrue && isMarked) colour = COLOURS.hit;
    else if (isTrue) colour = COLOURS.missed;
    else if (isMarked) colour = COLOURS.false;
    if (!colour) continue;
    for (let channel = 0; channel < 3; channel += 1) {
      picture.data[at + channel] =
        (1 - STRENGTH) * picture.data[at + channel] + STRENGTH * colour[channel];
    }
  }
}

function browse(galleries) {
  const find = (id) => document.getElementById(id);
  const table = find("case-table");
  let shown = 0; // place of the case in its gallery
  let asked = 0; // counts the drawings: only the last one asked for is shown

  const gallery = () => galleries[Number(find("gallery").value)];
  const target = () => Number(find("target").value);

  function fill(select, names) {
    select.replaceChildren(...names.map((name, place) => {
      const option = element("option", name);
      option.value = place;
      return option;
    }));
  }

  function fillTable() {
    const heads = ["Case", "Slice", "True pixels", ...gallery().networks.map((n) => `Dice, ${n}`)];
    const top = element("tr");
    for (const [place, head] of heads.entries()) {
      const heading = element("th");
      if (place > 0) heading.className = "number";
      heading.scope = "col";
      const button = element("button", head);
      button.type = "button";
      heading.append(button);
      top.append(heading);
    }
    table.tHead.replaceChildren(top);
    table.tBodies[0].replaceChildren(...gallery().cases.map(rowOf));
  }

  function rowOf(item, place) {
    const row = element("tr");
    row.dataset.place = place;
    const first = cell("", item.case, false);
    const button = element("button", item.case);
    button.type = "button";
    button.addEventListener("click", () => show(place));
    first.append(button);
    const size = item.pixels[target()];
    const dice = item.dice.map((scores) => scores[target()]);
    row.append(first, cell(item.slice, item.slice, true), cell(size, size, true));
    row.append(...dice.map((score) => cell(score.toFixed(3), score, true)));
    return row;
  }

  async function drawing() {
    const { width, height, networks, cases } = gallery();
    const item = cases[shown];
    const read = (address) => pixels(address, width, height);
    const truth = await read(item.truth[target()]);
    const panels = [
      ["image", null, "", []],
      ["ground truth", truth, `${item.pixels[target()]} pixels`, []],
    ];
    for (const [place, name] of networks.entries()) {
      const mask = await read(item.masks[place][target()]);
      const lesions = item.lesions[place][target()];
      panels.push([name, mask, words(item.dice[place][target()], lesions), lesions]);
    }
    const view = find("view").value;
    const drawn = [];
    for (const [name, mask, caption, lesions] of panels) {
      const picture = await read(item.image);
      if (mask && view !== "image") paint(picture, truth, mask, view);
      drawn.push(panel(name, caption, picture, view === "image" ? [] : lesions));
    }
    return drawn;
  }

  // Dice, and the lesions that are marked.
  function words(dice, lesions) {
    const counted = Object.keys(LESIONS).map((kind) => {
      const number = lesions.filter((lesion) => lesion.kind === kind).length;
      return number ? `, ${number} ${kind}` : "";
    });
    return `Dice ${dice.toFixed(3)}${counted.join("")}`;
  }

  function panel(name, caption, picture, lesions) {
    const figure = element("figure");
    const canvas = element("canvas");
    canvas.width = picture.width;
    canvas.height = picture.height;
    canvas.setAttribute("role", "img");
    canvas.setAttribute("aria-label", `${name} ${caption}`);
    const context = canvas.getContext("2d");
    context.putImageData(picture, 0, 0);
    for (const { kind, box: [left, top, width, height] } of lesions) {
      context.strokeStyle = LESIONS[kind].colour;
      context.setLineDash(LESIONS[kind].dashes);
      const [x, y] = [left - MARGIN + 0.5, top - MARGIN + 0.5];
      context.strokeRect(x, y, width + 2 * MARGIN - 1, height + 2 * MARGIN - 1);
    }
    figure.append(canvas, element("figcaption", caption ? `${name}: ${caption}` : name));
    return figure;
  }

  async function show(place) {
    shown = place;
    asked += 1;
    const number = asked;
    for (const row of table.tBodies[0].rows) {
      row.toggleAttribute("aria-current", Number(row.dataset.place) === place);
    }
    const panels = await drawing();
    if (number !== asked) return;
    const item = gallery().cases[place];
    find("which").textContent = `${item.case}, slice ${item.slice}`;
    find("legend").hidden = find("view").value !== "errors";
    find("lesions").hidden = !gallery().hasLesions || find("view").value === "image";
    find("panels").replaceChildren(...panels);
  }

  // One further in the order in which the table is sorted now.
  function step(by) {
    const rows = [...table.tBodies[0].rows];
    const here = rows.findIndex((row) => Number(row.dataset.place) === shown);
    const row = rows[(here + by + rows.length) % rows.length];
    // Within its own box: the page must not leave the panels.
    table.parentElement.scrollTop = row.offsetTop - table.parentElement.clientHeight / 2;
    show(Number(row.dataset.place));
  }

  function open() {
    fill(find("target"), gallery().classes);
    fillTable();
    show(0);
  }

  fill(find("gallery"), galleries.map((one) => one.title));
  find("gallery").addEventListener("change", open);
  find("target").addEventListener("change", () => { fillTable(); show(shown); });
  find("view").addEventListener("change", () => show(shown));
  find("previous").addEventListener("click", () => step(-1));
  find("next").addEventListener("click", () => step(1));
  find("choices").addEventListener("submit", (event) => event.preventDefault());
  open();
}

const stored = document.getElementById("galleries");
if (stored) browse(JSON.parse(stored.textContent));
