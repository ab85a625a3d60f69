// A click on a head sorts its table: numbers by the first number of a cell, what was not measured always last.
for (const table of document.querySelectorAll("table:not(.facts)")) {
  const body = table.tBodies[0];
  if (body.rows.length < 2) continue;
  [...table.tHead.rows[0].cells].forEach((head, column) => {
    if (!head.textContent.trim()) return;
    const words = head.classList.contains("l");
    const value = (row) => {
      const text = row.cells[column].textContent.trim();
      const number = parseFloat(text.replace(/,/g, "").replace("\u2212", "-"));
      return words ? (/[\p{L}\d]/u.test(text) ? text : null) : (Number.isNaN(number) ? null : number);
    };
    const order = (first, second) => words ? first.localeCompare(second, "en", { numeric: true }) : first - second;
    const button = document.createElement("button");
    button.append(...head.childNodes);
    head.append(button);
    button.onclick = () => {
      const sign = head.getAttribute("aria-sort") === "ascending" ? -1 : 1;
      for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
      head.setAttribute("aria-sort", sign > 0 ? "ascending" : "descending");
      const keys = new Map([...body.rows].map((row) => [row, value(row)]));
      body.append(...[...body.rows].sort((first, second) => {
        const [left, right] = [keys.get(first), keys.get(second)];
        if (left === null || right === null) return (left === null) - (right === null);
        return sign * order(left, right);
      }));
    };
  });
}
