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

// Sort by a column; a second press turns it round. Empty cells stay last.
function sortBy(heading) {
  const table = heading.closest("table");
  const column = heading.cellIndex;
  const descending = heading.getAttribute("aria-sort") === "ascending";
  const rows = [...table.tBodies[0].rows].map((row) => [valueOf(row, column), row]);
  const known = rows.filter(([value]) => value !== null).sort((a, b) => order(a[0], b[0]));
  if (descending) known.reverse();
  const empty = rows.filter(([value]) => value === null);
  for (const [, row] of [...known, ...empty]) table.tBodies[0].append(row);
  for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
  heading.setAttribute("aria-sort", descending ? "descending" : "ascending");
}

document.addEventListener("click", (event) => {
  const heading = event.target.closest("table.sortable th");
  if (heading) sortBy(heading);
});
