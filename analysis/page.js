
"use strict";

// Tables: a click on a heading sorts by it, a second one the other way round, a third one brings back the first order.
// Equal rows stay as they are, so that sorting by one column and then by another sorts by both; cells without a value
// stand last either way.

const collator = new Intl.Collator("en", { numeric: true });

function keyOf(row, column) {
  const cell = row.cells[column];
  if (!cell.hasAttribute("data-key")) return cell.textContent;
  return cell.dataset.key === "" ? null : Number(cell.dataset.key);
}

function compare(first, second, sign) {
  if (first === null || second === null) return (first === null) - (second === null);
  if (typeof first === "string") return sign * collator.compare(first, second);
  return first === second ? 0 : sign * (first < second ? -1 : 1);
}

function sortRows(body, column, order) {
  const rows = [...body.rows].map((row) => ({ row, key: keyOf(row, column) }));
  if (order === "none") rows.sort((a, b) => a.row.dataset.place - b.row.dataset.place);
  else rows.sort((a, b) => compare(a.key, b.key, order === "ascending" ? 1 : -1));
  body.append(...rows.map(({ row }) => row));
}

const following = { none: "ascending", ascending: "descending", descending: "none" };

for (const table of document.querySelectorAll("table[data-sortable]")) {
  const body = table.tBodies[0];
  const heads = [...table.tHead.rows[0].cells];
  [...body.rows].forEach((row, place) => { row.dataset.place = place; });
  heads.forEach((head, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes);
    head.append(button);
    button.addEventListener("click", () => {
      const order = following[head.getAttribute("aria-sort") ?? "none"];
      heads.forEach((other) => other.removeAttribute("aria-sort"));
      if (order !== "none") head.setAttribute("aria-sort", order);
      sortRows(body, column, order);
    });
  });
}

// Figures: enlarged in a dialog, which the browser closes on Escape and which gives the focus back.

const viewer = document.getElementById("viewer");
const figures = [...document.querySelectorAll("figure")];
let current = 0;

function show(place) {
  current = (place + figures.length) % figures.length;
  const picture = figures[current].querySelector("img");
  const stage = viewer.querySelector(".stage img");
  stage.src = picture.src;
  stage.alt = picture.alt;
  viewer.querySelector(".caption").textContent = picture.alt;
  viewer.querySelector(".place").textContent = `${current + 1} of ${figures.length}`;
}

figures.forEach((figure, place) => {
  figure.querySelector("button").addEventListener("click", () => {
    show(place);
    viewer.showModal();
  });
});
viewer.querySelector(".previous").addEventListener("click", () => show(current - 1));
viewer.querySelector(".next").addEventListener("click", () => show(current + 1));
viewer.querySelector(".close").addEventListener("click", () => viewer.close());
viewer.querySelector(".stage").addEventListener("click", () => viewer.close());
viewer.addEventListener("keydown", (event) => {
  if (event.key === "ArrowLeft") show(current - 1);
  if (event.key === "ArrowRight") show(current + 1);
});

// Paper cannot be clicked: what is folded up is printed too.

const folded = [];
window.addEventListener("beforeprint", () => {
  for (const details of document.querySelectorAll("details:not([open])")) {
    details.open = true;
    folded.push(details);
  }
});
window.addEventListener("afterprint", () => {
  for (const details of folded.splice(0)) details.open = false;
});
