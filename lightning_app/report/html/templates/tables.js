"use strict";

// Tables --------------------------------------------------------------------------------------

function valueOf(row, column) {
  const text = row.cells[column].dataset.value;
  if (text === "") return null;
  return Number.isNaN(Number(text)) ? text : Number(text);
}

function order(a, b) {
  if (typeof a === "number" && typeof b === "number") return a - b;
  return String(a).localeCompare(String(b), "en", { numeric: true });
}

// Sort by a column, ascending or descending. Empty cells stay last.
function sortBy(heading, direction) {
  const table = heading.closest("table");
  const column = heading.cellIndex;
  const rows = [...table.tBodies[0].rows].map((row) => [valueOf(row, column), row]);
  const known = rows.filter(([value]) => value !== null).sort((a, b) => order(a[0], b[0]));
  if (direction === "descending") known.reverse();
  const empty = rows.filter(([value]) => value === null);
  for (const [, row] of [...known, ...empty]) table.tBodies[0].append(row);
  for (const other of heading.parentElement.cells) other.removeAttribute("aria-sort");
  heading.setAttribute("aria-sort", direction);
}

document.addEventListener("click", (event) => {
  const heading = event.target.closest("table.sortable th");
  if (!heading?.querySelector("button")) return;
  const isAscending = heading.getAttribute("aria-sort") === "ascending";
  sortBy(heading, isAscending ? "descending" : "ascending");
});

// Keep the columns that name a row in view while the others are scrolled, as far as a part of the
// width suffices.
const STICKY_SHARE = 0.5;

function stick(box) {
  const table = box.querySelector("table");
  for (const cell of table.querySelectorAll(".sticky")) cell.classList.remove("sticky");
  const heads = [...(table.tHead.rows[table.tHead.rows.length - 1]?.cells ?? [])];
  let left = 0;
  for (const [column, head] of heads.entries()) {
    const width = head.getBoundingClientRect().width;
    if (!head.classList.contains("key") || left + width > STICKY_SHARE * box.clientWidth) return;
    for (const row of table.rows) {
      row.cells[column].classList.add("sticky");
      row.cells[column].style.left = `${left}px`;
    }
    left += width;
  }
}

const watched = new ResizeObserver((entries) => entries.forEach(({ target }) => stick(target)));
for (const table of document.querySelectorAll("table.sortable")) watched.observe(table.parentElement);
