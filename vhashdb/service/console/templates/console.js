// Keys, and what else is easier with a script. Every page says everything and every form works without it.
"use strict";
for (const element of document.querySelectorAll("[data-needs-script]")) element.hidden = false;
// Said to a screen reader; to everybody where it is not plain to see anyway.
function say(words, seen = true) {
  const place = document.getElementById("said");
  if (!place) return;
  place.textContent = words;
  place.classList.toggle("seen", seen && words !== "");
  place.classList.toggle("hidden-word", !seen);
}

{
  // -- which keys there are ------------------------------------------------------------------------
  const KEPT = "vhashdb-keys-off";
  const on = document.getElementById("keys-on");
  let off = localStorage.getItem(KEPT) === "1";
  if (on) {
    on.checked = !off;
    on.addEventListener("change", () => { off = !on.checked; localStorage.setItem(KEPT, off ? "1" : ""); });
  }

  const rows = () => [...document.querySelectorAll("[data-row]")];
  const here = () => document.activeElement?.closest("[data-row]");
  const act = () => document.querySelector("details[data-act][open]");

  function step(by) {
    const all = rows();
    if (!all.length) return false;
    const place = all.indexOf(here());
    const next = all[place < 0 ? (by > 0 ? 0 : all.length - 1) : Math.min(all.length - 1, Math.max(0, place + by))];
    next.querySelector("[data-main]").focus();
    next.scrollIntoView({ block: "nearest" });
    return true;
  }

  function choose() {
    const box = here()?.querySelector("input[type=checkbox]");
    if (!box) return false;
    box.click();
    return true;
  }

  // An act by its letter, then a reason by its digit: two keys decide.
  function pick(letter) {
    const found = [...document.querySelectorAll("details[data-act]")].find((one) => one.dataset.act === letter);
    if (!found) return false;
    found.open = !found.open;
    found.querySelector("summary").focus();
    found.scrollIntoView({ block: "nearest" });
    say(found.open ? `${found.querySelector("summary").innerText.trim()}: now a digit for the reason, or Escape.` : "", false);
    return true;
  }

  function digit(number) {
    const button = act()?.querySelector(`button[data-digit="${number}"]`);
    button?.click();
    return Boolean(button);
  }

  let leaving = false; // x was pressed: the next digit leaves a copy out
  let going = false; // g was pressed: the next letter is a page
  function pressed(key) {
    if (going) {
      going = false;
      document.querySelector(`[data-go="${CSS.escape(key)}"]`)?.click();
      return true;
    }
    if (leaving) {
      leaving = false;
      document.querySelectorAll("input[data-copy-number]")[Number(key) - 1]?.click();
      return true;
    }
    if (key === "g") return (going = true);
    if (key === "Escape") { const open = act(); if (open) { open.open = false; say("", false); } return Boolean(open); }
    if (/^[1-9]$/.test(key)) return digit(key);
    if (key === "j" || key === "k") { if (step(key === "j" ? 1 : -1)) return true; }
    if (key === "x") {
      if (choose()) return true;
      leaving = document.querySelectorAll("input[data-copy-number]").length > 0;
      if (leaving) say("Which copy? A digit leaves it out, or takes it in again.");
      return leaving;
    }
    if (pick(key)) return true;
    const target = document.querySelector(`[data-key="${CSS.escape(key)}"]`);
    if (!target) return false;
    if (target.matches("input, select")) target.focus(); else target.click();
    return true;
  }

  document.addEventListener("keydown", (event) => {
    if (off || event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented || event.repeat) return;
    if (event.target.closest("input:not([type=checkbox], [type=radio], [type=range]), select, textarea")) {
      if (event.key === "Escape") event.target.blur();
      return;
    }
    if (window.player?.pressed(event) || pressed(event.key)) event.preventDefault();
  });
  document.addEventListener("keyup", (event) => window.player?.released(event));

  // One act is open at a time, also where a browser does not know groups of details.
  for (const one of document.querySelectorAll("details[data-act]"))
    one.addEventListener("toggle", () => { if (one.open) for (const other of document.querySelectorAll("details[data-act][open]")) if (other !== one) other.open = false; });

  // A reason in one's own words belongs to the act it is typed in; Enter there is that act's own button.
  for (const field of document.querySelectorAll("details[data-act] input[name^=words]"))
    field.addEventListener("keydown", (event) => { if (event.key === "Enter") { event.preventDefault(); field.closest("details").querySelector("button[data-own]").click(); } });

  // Several cases at once need some that are chosen.
  const several = document.getElementById("several");
  if (several) {
    const chosen = () => several.querySelectorAll("input[name=case]:checked").length;
    const count = document.getElementById("chosen");
    const tell = () => { count.textContent = chosen() ? `${chosen()} chosen` : "none chosen"; };
    several.addEventListener("change", tell);
    several.addEventListener("submit", (event) => { if (!chosen()) { event.preventDefault(); say("Choose cases first: x chooses the one you are at."); } });
    document.getElementById("choose-all")?.addEventListener("click", () => {
      const all = [...several.querySelectorAll("input[name=case]")], every = all.every((box) => box.checked);
      for (const box of all) box.checked = !every;
      tell();
    });
    tell();
  }

  // A form is sent once, however often its button is pressed.
  addEventListener("submit", (event) => {
    if (event.defaultPrevented) return;
    if (event.target.dataset.sent) event.preventDefault();
    event.target.dataset.sent = "1";
  });
  addEventListener("pageshow", () => { for (const form of document.forms) delete form.dataset.sent; });

  for (const button of document.querySelectorAll("[data-copy]"))
    button.addEventListener("click", async () => {
      const field = document.getElementById(button.dataset.copy);
      field.select();
      await navigator.clipboard.writeText(field.value);
      document.getElementById("copied").textContent = "Copied.";
    });
  for (const select of document.querySelectorAll("select[data-submits]")) select.addEventListener("change", () => select.form.requestSubmit());
}
