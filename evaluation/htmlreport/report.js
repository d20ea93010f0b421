"use strict";
// Sorting, filtering and going from pair to pair. Opening a pair and choosing its views work without this script.
{
  const list = document.getElementById("list");
  const table = document.getElementById("overview");
  const filter = document.getElementById("filter");
  const words = document.getElementById("words");
  const kind = document.getElementById("kind");
  const body = table.tBodies[0];
  const pairOf = (row) => document.getElementById(row.dataset.for);
  const shown = () => [...body.rows].filter((row) => !row.hidden).map(pairOf);

  // Numbers that a pair lacks, and "–", come last in both directions.
  const valueOf = (row, column, isNumber) => {
    const text = row.cells[column].textContent.trim();
    if (!isNumber) return text;
    return text === "∞" ? Infinity : text === "" ? 0 : Number.parseFloat(text.replace("−", "-"));
  };

  const sortBy = (heading) => {
    const column = heading.cellIndex;
    const isNumber = heading.dataset.kind === "number";
    const descends = heading.getAttribute("aria-sort") === "ascending";
    for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
    heading.setAttribute("aria-sort", descends ? "descending" : "ascending");
    const sign = descends ? -1 : 1;
    const rows = [...body.rows].map((row) => ({ row, value: valueOf(row, column, isNumber) }));
    rows.sort((a, b) => {
      if (!isNumber) return sign * a.value.localeCompare(b.value);
      if (Number.isNaN(a.value) || Number.isNaN(b.value)) return Number.isNaN(a.value) - Number.isNaN(b.value);
      return a.value === b.value ? 0 : sign * (a.value - b.value);
    });
    for (const { row } of rows) {
      body.append(row);
      list.append(pairOf(row));
    }
  };

  const narrow = () => {
    const wanted = words.value.trim().toLowerCase();
    let count = 0;
    for (const row of body.rows) {
      const pair = pairOf(row);
      const flags = pair.dataset.flags.split(" ");
      const name = row.cells[1].textContent.toLowerCase();
      row.hidden = !(name.includes(wanted) && (kind.value === "" || flags.includes(kind.value)));
      pair.hidden = row.hidden;
      count += !row.hidden;
    }
    document.getElementById("count").textContent = `${count} of ${body.rows.length} shown`;
  };

  const go = (pair) => {
    pair.hidden = false;
    pair.open = true;
    pair.querySelector("summary").focus({ preventScroll: true });
    pair.scrollIntoView({ block: "start" });
  };

  const step = (pair, by) => {
    const pairs = shown();
    const next = pairs[pairs.indexOf(pair) + by];
    if (next) {
      pair.open = false;
      go(next);
    }
  };

  // The same view in all pairs, so that it stays while one goes from pair to pair.
  const synchronise = (input) => {
    for (const other of list.querySelectorAll(`[data-sync="${input.dataset.sync}"]`)) {
      if (input.type === "checkbox") other.checked = input.checked;
      else if (other.value === input.value) other.checked = true;
    }
  };

  const followLink = () => {
    const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (target && target.matches(".pair")) go(target);
  };

  for (const heading of table.tHead.rows[0].cells) {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...heading.childNodes);
    heading.append(button);
    button.addEventListener("click", () => sortBy(heading));
  }
  filter.hidden = false;
  words.addEventListener("input", narrow);
  kind.addEventListener("change", narrow);
  document.getElementById("open").addEventListener("click", () => shown().forEach((pair) => (pair.open = true)));
  document.getElementById("close").addEventListener("click", () => shown().forEach((pair) => (pair.open = false)));
  list.addEventListener("change", (event) => {
    if (event.target.dataset.sync) synchronise(event.target);
  });
  list.addEventListener("click", (event) => {
    const by = event.target.dataset.step;
    if (by) step(event.target.closest(".pair"), Number(by));
  });
  list.addEventListener("keydown", (event) => {
    const by = { n: 1, p: -1 }[event.key.toLowerCase()];
    if (by && !event.ctrlKey && !event.metaKey && !event.altKey) step(event.target.closest(".pair"), by);
  });
  // A link that was followed before leads to its pair again.
  body.addEventListener("click", (event) => {
    if (event.target.matches("a") && event.target.hash === location.hash) followLink();
  });
  window.addEventListener("hashchange", followLink);
  narrow();
  followLink();
}
