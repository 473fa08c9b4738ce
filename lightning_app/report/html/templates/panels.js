// Pictures of a case --------------------------------------------------------------------------

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

// Dice, and the lesions that are marked.
function words(dice, lesions) {
  const counted = Object.keys(LESIONS).map((kind) => {
    const number = lesions.filter((lesion) => lesion.kind === kind).length;
    return number ? `, ${number} ${kind}` : "";
  });
  return `Dice ${dice.toFixed(3)}${counted.join("")}`;
}

// A canvas with its caption, of each network after image and ground truth.
async function drawCase(gallery, item, target, view) {
  const read = (address) => pixels(address, gallery.width, gallery.height);
  const truth = await read(item.truth[target]);
  const shown = [
    ["image", null, []],
    [`ground truth: ${item.pixels[target]} pixels`, truth, []],
  ];
  for (const [place, name] of gallery.networks.entries()) {
    const lesions = item.lesions[place][target];
    const caption = `${name}: ${words(item.dice[place][target], lesions)}`;
    shown.push([caption, await read(item.masks[place][target]), lesions]);
  }
  const drawn = [];
  for (const [caption, mask, lesions] of shown) {
    const picture = await read(item.image);
    if (mask && view !== "image") paint(picture, truth, mask, view);
    drawn.push({ caption, canvas: canvasOf(picture, view === "image" ? [] : lesions) });
  }
  return drawn;
}

function canvasOf(picture, lesions) {
  const canvas = element("canvas");
  canvas.width = picture.width;
  canvas.height = picture.height;
  const context = canvas.getContext("2d");
  context.putImageData(picture, 0, 0);
  for (const { kind, box: [left, top, width, height] } of lesions) {
    context.strokeStyle = LESIONS[kind].colour;
    context.setLineDash(LESIONS[kind].dashes);
    const [x, y] = [left - MARGIN + 0.5, top - MARGIN + 0.5];
    context.strokeRect(x, y, width + 2 * MARGIN - 1, height + 2 * MARGIN - 1);
  }
  return canvas;
}

// A picture that a click enlarges.
function panelOf({ caption, canvas }, enlarge) {
  const figure = element("figure");
  const button = element("button");
  button.type = "button";
  button.setAttribute("aria-label", `Enlarge ${caption}`);
  button.append(canvas);
  button.addEventListener("click", enlarge);
  figure.append(button, element("figcaption", caption));
  return figure;
}

// The same picture, as large as the window.
function enlargedOf({ caption, canvas }) {
  const figure = element("figure");
  const copy = element("canvas");
  copy.width = canvas.width;
  copy.height = canvas.height;
  copy.getContext("2d").drawImage(canvas, 0, 0);
  copy.style.setProperty("--ratio", canvas.width / canvas.height);
  copy.setAttribute("role", "img");
  copy.setAttribute("aria-label", caption);
  figure.append(copy, element("figcaption", caption));
  return figure;
}
