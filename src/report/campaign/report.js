"use strict";
// Search, sort and pages for the table of all rows. Without it the table stands there
// whole. It reads the page it stands in and nothing else.
(() => {
  const PAGE = 100;
  // More rows than this are not unfolded for the printer.
  const MOST_PRINTED = 2000;
  const make = (name, props, ...children) => {
    const element = Object.assign(document.createElement(name), props);
    element.append(...children);
    return element;
  };

  const enhance = (table) => {
    const source = table.tBodies[0];
    const body = make("tbody", {});
    table.append(body);
    const rows = Array.from(source.rows, (row, index) => ({
      row,
      index,
      text: row.textContent.toLowerCase(),
      state: row.cells[3].textContent,
    }));
    source.remove();
    const columns = Array.from(table.tHead.rows[0].cells);
    let matching = rows;
    let page = 0;
    let timer = 0;

    const search = make("input", { type: "search", autocomplete: "off", spellcheck: false });
    const state = make("select", {}, make("option", { value: "", textContent: "all states" }));
    for (const name of [...new Set(rows.map((entry) => entry.state))].sort()) {
      state.append(make("option", { value: name, textContent: name }));
    }
    const back = make("button", { type: "button", textContent: "Back" });
    const next = make("button", { type: "button", textContent: "Next" });
    const told = make("span", { className: "told" });
    told.setAttribute("role", "status");
    const tools = document.getElementById(table.id.replace("-table", "-tools"));
    tools.append(
      make("label", {}, "Search", search),
      make("label", {}, "State", state),
      back,
      next,
      told,
    );
    tools.hidden = false;

    const show = (from, to) => body.replaceChildren(...matching.slice(from, to).map((entry) => entry.row));
    const render = () => {
      const pages = Math.max(1, Math.ceil(matching.length / PAGE));
      page = Math.min(page, pages - 1);
      const from = page * PAGE;
      const to = Math.min(from + PAGE, matching.length);
      show(from, to);
      back.disabled = page === 0;
      next.disabled = page === pages - 1;
      told.textContent = matching.length === 0
        ? "no row matches"
        : `rows ${from + 1} to ${to} of ${matching.length}`;
    };
    const filter = () => {
      const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
      matching = rows.filter(
        (entry) =>
          (state.value === "" || entry.state === state.value) &&
          words.every((word) => entry.text.includes(word)),
      );
      page = 0;
      render();
    };
    search.addEventListener("input", () => {
      clearTimeout(timer);
      timer = setTimeout(filter, rows.length > 5000 ? 200 : 0);
    });
    state.addEventListener("change", filter);
    back.addEventListener("click", () => { page -= 1; render(); });
    next.addEventListener("click", () => { page += 1; render(); });

    const compare = new Intl.Collator("en", { numeric: true }).compare;
    columns.forEach((column, at) => {
      const button = make("button", { type: "button", textContent: column.textContent });
      column.replaceChildren(button);
      button.addEventListener("click", () => {
        const falling = column.getAttribute("aria-sort") === "ascending";
        columns.forEach((other) => other.removeAttribute("aria-sort"));
        column.setAttribute("aria-sort", falling ? "descending" : "ascending");
        const keyed = rows.map((entry) => [entry.row.cells[at].textContent.trim(), entry]);
        // Empty cells last, whichever way.
        keyed.sort(([a, one], [b, other]) => {
          if ((a === "") !== (b === "")) return a === "" ? 1 : -1;
          return (falling ? compare(b, a) : compare(a, b)) || one.index - other.index;
        });
        keyed.forEach(([, entry], position) => { rows[position] = entry; });
        filter();
      });
    });
    const caption = table.caption.textContent;
    addEventListener("beforeprint", () => {
      if (matching.length <= MOST_PRINTED) show(0, matching.length);
      else table.caption.textContent = `${told.textContent}; the CSV report has them all`;
    });
    addEventListener("afterprint", () => {
      table.caption.textContent = caption;
      render();
    });
    render();
  };

  try {
    for (const table of document.querySelectorAll("table.rows")) {
      if (table.tBodies[0].rows.length > 0) enhance(table);
    }
  } catch (error) {
    // The plain table is better than none.
    document.documentElement.className = "";
    throw error;
  }
})();
