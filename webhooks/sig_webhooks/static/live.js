// Let a job's log grow while the job runs. Without this file the page reloads itself every three seconds.
(function () {
  "use strict";
  const log = document.getElementById("log");
  let after = Number(log.dataset.after);
  async function look() {
    let answer;
    try {
      answer = await (await fetch(log.dataset.url + "?after=" + after)).json();
    } catch (error) {
      setTimeout(look, 5000);
      return;
    }
    const atEnd = log.scrollTop + log.clientHeight >= log.scrollHeight - 4;
    for (const one of answer.lines) {
      const at = document.createElement("span");
      at.className = "at";
      at.textContent = one.at;
      log.append(at, " " + one.line + "\n");
      after = one.seq;
    }
    if (atEnd) log.scrollTop = log.scrollHeight;
    if (answer.ended) {
      location.reload();
      return;
    }
    setTimeout(look, 700);
  }
  setTimeout(look, 300);
})();
