// The player: nothing is loaded until somebody asks for it, nothing plays by itself, and the picture is grey, blurred and silent
// unless a key or a button is held.
{
  const place = document.querySelector("[data-player]");
  const video = place?.querySelector("video");
  if (place?.querySelector("video, img")) {
    const screen = place.querySelector(".screen");
    const picture = video ?? place.querySelector("img");
    const starts = place.dataset.starts.split(" ").filter(Boolean).map(Number);
    const time = place.querySelector("[data-time]");
    const bar = place.querySelector("input[type=range]");
    const marks = [...place.querySelectorAll("polygon[data-from]")];
    const note = place.querySelector("[data-note]");
    let frame = 0; // second of the frame that is shown
    let shortest = 1 / 60; // between two frames, as far as was seen
    let held = "";

    // In its true shape, so that the outline that is drawn over it lies where it belongs.
    const shape = (width, height) => { if (height) screen.style.maxWidth = `calc(60vh * ${width / height})`; };
    picture.addEventListener("load", () => shape(picture.naturalWidth, picture.naturalHeight));
    video?.addEventListener("loadedmetadata", () => shape(video.videoWidth, video.videoHeight));

    const clock = (seconds) => `${Math.floor(seconds / 60)}:${(seconds % 60).toFixed(2).padStart(5, "0")}`;

    function hold(what) {
      held = what;
      screen.classList.toggle("clear", Boolean(what));
      if (video) video.muted = what !== "sound";
      for (const button of place.querySelectorAll("[data-hold]")) button.setAttribute("aria-pressed", String(button.dataset.hold === what));
    }

    function show() {
      if (!video) return;
      const at = video.currentTime;
      time.textContent = `${clock(at)} of ${clock(video.duration || 0)}`;
      if (video.duration) bar.max = video.duration;
      bar.value = at;
      bar.setAttribute("aria-valuetext", clock(at));
      for (const mark of marks) mark.toggleAttribute("hidden", at < Number(mark.dataset.from) - .05 || at > Number(mark.dataset.to) + .05);
    }

    // The file is asked for at the first thing that somebody does, and then stands at the second at which it begins to match.
    let ready = null;
    function loaded() {
      if (!video) { if (!picture.src) picture.src = picture.dataset.src; return Promise.resolve(); }
      ready ??= new Promise((done) => {
        video.addEventListener("loadedmetadata", () => { video.currentTime = starts[0] ?? 0; }, { once: true });
        video.addEventListener("seeked", () => done(), { once: true });
        video.preload = "auto";
        video.load();
        note.textContent = "Loading…";
      }).then(() => { note.textContent = ""; });
      return ready;
    }

    const seeked = () => new Promise((done) => {
      const ends = () => { clearTimeout(timer); done(); };
      const timer = setTimeout(ends, 400);
      if (video.requestVideoFrameCallback) video.requestVideoFrameCallback(ends); else video.addEventListener("seeked", ends, { once: true });
    });

    async function seek(seconds) {
      const first = !ready;
      await loaded();
      video.pause();
      if (first && seconds === (starts[0] ?? 0)) return;
      video.currentTime = Math.min(Math.max(0, seconds), Math.max(0, (video.duration || 0) - .001));
      await seeked();
    }

    let stepping = false;
    async function step(by) {
      await loaded();
      video.pause();
      if (stepping) return;
      stepping = true;
      const from = frame;
      if (by < 0) await seek(from - .001);
      else for (let at = from + shortest, tries = 0; frame <= from && tries < 8; at += shortest, tries++) await seek(at + .001);
      stepping = false;
    }

    if (video) {
      video.controls = false;
      video.addEventListener("timeupdate", show);
      video.addEventListener("seeked", show);
      video.addEventListener("error", () => { note.textContent = "This browser cannot play the file. Look at it with a player of this machine, or decide by what is drawn."; });
      for (const state of ["play", "pause"]) video.addEventListener(state, () => { place.querySelector("[data-do=play] span").textContent = video.paused ? "Play" : "Stop"; });
      const watch = (now, seen) => {
        const apart = seen.mediaTime - frame;
        if (!video.paused && apart > .001 && apart < .2) shortest = Math.max(1 / 120, Math.min(apart, shortest === 1 / 60 ? apart : shortest));
        frame = seen.mediaTime;
        place.dataset.frame = frame;
        show();
        video.requestVideoFrameCallback(watch);
      };
      video.requestVideoFrameCallback?.(watch);
      bar.addEventListener("input", () => seek(Number(bar.value)));
    }

    const actions = {
      play: async () => { await loaded(); if (video.paused) await video.play().catch(() => {}); else video.pause(); },
      back: () => step(-1), on: () => step(1),
      earlier: () => seek(video.currentTime - 5), later: () => seek(video.currentTime + 5),
      begin: () => seek(0),
      match: () => seek(ready ? starts.find((start) => start > video.currentTime + .05) ?? starts[0] ?? 0 : starts[0] ?? 0),
    };
    const keys = { " ": "play", ",": "back", ".": "on", "[": "earlier", "]": "later", "0": "begin", s: "match" };
    const holds = { v: "picture", m: "sound" };

    for (const button of place.querySelectorAll("[data-do]")) button.addEventListener("click", () => actions[button.dataset.do]());
    for (const button of document.querySelectorAll("[data-seek]")) button.addEventListener("click", () => seek(Number(button.dataset.seek)));
    for (const button of place.querySelectorAll("[data-hold]")) {
      button.addEventListener("pointerdown", () => { loaded(); hold(button.dataset.hold); });
      for (const end of ["pointerup", "pointerleave", "pointercancel", "blur"]) button.addEventListener(end, () => hold(""));
      button.addEventListener("keydown", (event) => { if ((event.key === " " || event.key === "Enter") && !event.repeat) { event.preventDefault(); loaded(); hold(button.dataset.hold); } });
      button.addEventListener("keyup", () => hold(""));
      button.addEventListener("contextmenu", (event) => event.preventDefault()); // a long touch is no menu
    }
    for (const end of ["blur", "pagehide"]) addEventListener(end, () => hold(""));
    document.addEventListener("visibilitychange", () => { if (document.hidden) { hold(""); video?.pause(); } });

    window.player = {
      pressed(event) {
        if (holds[event.key] && !document.querySelector("details[data-act][open]")) { loaded(); hold(holds[event.key]); return true; }
        if (!video || !keys[event.key]) return false;
        if (event.key === " " && event.target.closest("button, summary, a, input")) return false; // it presses these
        actions[keys[event.key]]();
        return true;
      },
      released(event) { if (held && holds[event.key] === held) hold(""); },
    };
    hold("");
  }
}
