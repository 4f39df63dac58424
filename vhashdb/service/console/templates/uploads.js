// Uploads with progress: files are dropped or chosen, sent one after the other, and their answers waited for.
{
  const form = document.getElementById("upload-form");
  const wait = (seconds) => new Promise((done) => setTimeout(done, 1000 * seconds));

  async function answer(address) {
    for (;;) {
      const said = await fetch(address, { headers: { Accept: "application/json" }, cache: "no-store" });
      if (!said.ok) throw new Error((await said.json().catch(() => ({}))).detail ?? said.statusText);
      const question = await said.json();
      if (question.state === "answered") return question;
      await wait(Number(said.headers.get("Retry-After") ?? 1));
    }
  }

  if (form) {
    const input = document.getElementById("file"), list = document.getElementById("sending"), status = document.getElementById("upload-status");
    input.multiple = true;
    const waiting = [];
    let busy = false;

    function sent(file, progress) {
      return new Promise((done, fail) => {
        const request = new XMLHttpRequest();
        request.open("POST", `/v1/questions?review=true&name=${encodeURIComponent(file.name)}`);
        request.setRequestHeader("Prefer", "respond-async");
        request.setRequestHeader("Content-Type", "application/octet-stream");
        request.responseType = "json";
        request.upload.addEventListener("progress", (event) => { if (event.lengthComputable) { progress.max = event.total; progress.value = event.loaded; } });
        request.addEventListener("load", () => { if (request.status === 202) done(request.response); else fail(new Error([request.response?.detail, request.response?.hint].filter(Boolean).join("; ") || `the service said ${request.status}`)); });
        request.addEventListener("error", () => fail(new Error("the connection broke off")));
        request.send(file);
      });
    }

    function line(file) {
      const item = document.createElement("li"), name = document.createElement("bdi"), progress = document.createElement("progress"), words = document.createElement("span");
      name.textContent = file.name;
      progress.value = 0;
      progress.setAttribute("aria-label", `Sending ${file.name}`);
      item.append(name, " ", progress, " ", words);
      list.append(item);
      return { progress, words, item };
    }

    async function send({ file, shown }) {
      try {
        if (file.size > Number(form.dataset.most)) throw new Error("the file is larger than this key allows");
        shown.words.textContent = "is sent";
        const question = await sent(file, shown.progress);
        shown.progress.removeAttribute("value");
        shown.progress.setAttribute("aria-label", `Looking at ${file.name}`);
        shown.words.textContent = "is looked at";
        answer(`/v1/questions/${question.id}`).then((done) => {
          const link = document.createElement("a");
          link.href = `/uploads/${question.id}`;
          link.textContent = done.answer.file.verdict.replace("-", " ");
          shown.progress.remove();
          shown.words.replaceChildren(link);
          status.textContent = `${file.name}: ${link.textContent}.`;
        }).catch((error) => failed(shown, file, error));
      } catch (error) {
        failed(shown, file, error);
      }
    }

    function failed(shown, file, error) {
      shown.progress.remove();
      shown.words.textContent = `not asked: ${error.message}`;
      shown.item.classList.add("failed");
      status.textContent = `${file.name}: not asked, ${error.message}.`;
    }

    async function take(files) {
      for (const file of files) waiting.push({ file, shown: line(file) });
      if (busy) return;
      busy = true;
      while (waiting.length) await send(waiting.shift());
      busy = false;
    }

    form.addEventListener("submit", (event) => {
      event.preventDefault();
      take([...input.files]);
      form.reset();
    });
    addEventListener("dragover", (event) => { event.preventDefault(); form.classList.add("over"); });
    addEventListener("dragleave", (event) => { if (!event.relatedTarget) form.classList.remove("over"); });
    addEventListener("drop", (event) => {
      event.preventDefault();
      form.classList.remove("over");
      take([...event.dataTransfer.files]);
    });
  }

  // A page about one upload that is not answered yet is loaded again when it is.
  const pending = document.querySelector("[data-pending]");
  if (pending) answer(`/v1/questions/${pending.dataset.pending}`).then(() => location.reload()).catch(() => {});
}
