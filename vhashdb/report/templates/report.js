// Filter and sort the summary, and step from match to match by keys. The page says everything without it.
{
  const table = document.getElementById("files");
  const rows = table ? [...table.tBodies[0].rows] : [];
  const sections = new Map([...document.querySelectorAll("section[data-file]")].map((section) => [section.dataset.file, section]));
  const find = document.getElementById("find");
  const shown = document.getElementById("shown");
  const boxes = [...document.querySelectorAll("input.verdict")];
  const texts = new Map(rows.map((row) => [row, row.textContent.toLowerCase()]));

  const say = (words) => { shown.textContent = words; };
  const files = (count) => `${count.toLocaleString("en")} ${count === 1 ? "file" : "files"}`;

  function filter() {
    const wanted = find.value.trim().toLowerCase();
    const verdicts = new Set(boxes.filter((box) => box.checked).map((box) => box.value));
    let count = 0;
    for (const row of rows) {
      const keep = verdicts.has(row.dataset.verdict) && texts.get(row).includes(wanted);
      row.hidden = !keep;
      const section = sections.get(row.dataset.file);
      if (section) section.hidden = !keep;
      count += keep;
    }
    say(count === rows.length ? `All ${files(count)} are shown.` : `${count.toLocaleString("en")} of ${files(rows.length)} shown, here and below.`);
  }

  function keyOf(row, column, kind) {
    const cell = row.cells[column];
    if (!cell) return kind === "number" ? -1 : "";
    return kind === "number" ? Number(cell.dataset.key ?? -1) : cell.textContent.trim();
  }

  function sort(header, column) {
    const down = header.getAttribute("aria-sort") === "ascending";
    const kind = header.dataset.sort;
    const keys = new Map(rows.map((row) => [row, keyOf(row, column, kind)]));
    const order = kind === "number" ? (a, b) => a - b : (a, b) => (a === "") - (b === "") || a.localeCompare(b, "en", { numeric: true });
    rows.sort((a, b) => (down ? -1 : 1) * order(keys.get(a), keys.get(b)));
    table.tBodies[0].append(...rows);
    for (const other of header.parentElement.cells) other.removeAttribute("aria-sort");
    header.setAttribute("aria-sort", down ? "descending" : "ascending");
    say(`Sorted by ${header.textContent.trim().toLowerCase()}, ${down ? "descending" : "ascending"}.`);
  }

  if (table) {
    for (const [column, header] of [...table.tHead.rows[0].cells].entries()) {
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = header.textContent;
      button.addEventListener("click", () => sort(header, column));
      header.replaceChildren(button);
    }
    find.addEventListener("input", filter);
    for (const box of boxes) box.addEventListener("change", filter);
    filter();
  }

  // -- from match to match ---------------------------------------------------------------------------

  const matches = [...document.querySelectorAll("article.hit")];
  const visible = () => matches.filter((match) => !match.closest("[hidden]"));

  function goTo(match) {
    const heading = match.querySelector("h4");
    match.scrollIntoView({ block: "start" });
    heading.focus({ preventScroll: true });
  }

  function step(by) {
    const all = visible();
    if (!all.length) return;
    const here = document.activeElement?.closest("article.hit");
    const place = all.indexOf(here);
    const next = place < 0 ? (by > 0 ? all.find((match) => match.getBoundingClientRect().top > 8) ?? all[0] : all.findLast((match) => match.getBoundingClientRect().top < -8) ?? all[0]) : all[place + by];
    if (next) goTo(next);
  }

  // Links between matches do the same as the keys: what is filtered out is passed over.
  document.addEventListener("click", (event) => {
    const link = event.target.closest(".steps a");
    if (!link || link.hash === "#summary") return;
    event.preventDefault();
    step(link.compareDocumentPosition(document.querySelector(link.hash)) & Node.DOCUMENT_POSITION_FOLLOWING ? 1 : -1);
  });

  const dialog = document.getElementById("keys");
  const on = document.getElementById("keys-on");
  const actions = {
    j: () => step(1), n: () => step(1), k: () => step(-1), p: () => step(-1),
    s: () => { const summary = document.getElementById("summary"); summary.scrollIntoView(); summary.focus({ preventScroll: true }); },
    "/": () => find?.focus(),
    "?": () => dialog.showModal(),
  };
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || dialog.open) return;
    if (event.target.closest("input:not([type=checkbox]), select, textarea")) {
      if (event.key === "Escape") event.target.blur();
      return;
    }
    if (!actions[event.key] || !on.checked) return;
    event.preventDefault();
    actions[event.key]();
  });
  document.getElementById("keys-button")?.addEventListener("click", () => dialog.showModal());
  document.getElementById("keys-close").addEventListener("click", () => dialog.close());

  // On paper everything is open that is printed.
  let opened = [];
  addEventListener("beforeprint", () => {
    opened = !document.getElementById("print-details")?.checked ? [] : [...document.querySelectorAll("details:not([open])")];
    for (const details of opened) details.open = true;
  });
  addEventListener("afterprint", () => { for (const details of opened) details.open = false; });

  // -- while more files are being checked ------------------------------------------------------------

  // A page on disk cannot ask whether there is a newer one: it says how old it is, and the reader decides.
  const goesOn = document.getElementById("goes-on");
  if (goesOn) {
    const age = goesOn.querySelector("[data-age]");
    const tell = () => {
      const seconds = Math.max(0, Math.round((Date.now() - Date.parse(goesOn.dataset.made)) / 1000));
      age.textContent = `This page is ${seconds < 120 ? `${seconds} seconds` : `${Math.floor(seconds / 60)} minutes`} old; reload it to see what was checked since.`;
    };
    tell();
    setInterval(tell, 10_000);
    document.getElementById("reload").addEventListener("click", () => location.reload());
  }
}
