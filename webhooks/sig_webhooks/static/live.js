// Let a job's log grow while the job runs. Without this file the page reloads itself every three seconds.
(function () {
  "use strict";
  const log = document.getElementById("log");
  const state = document.querySelector("#state .state");
  let after = Number(log.dataset.after);

  function add(line) {
    const at = document.createElement("span");
    at.className = "at";
    at.textContent = line.at;
    log.append(at, " " + line.line + "\n");
    after = line.seq;
  }

  async function look() {
    let answer;
    try {
      const response = await fetch(log.dataset.url + "?after=" + after);
      if (response.status === 404) return; // it is not public any more
      answer = await response.json();
    } catch (error) {
      setTimeout(look, 5000);
      return;
    }
    if (!Array.isArray(answer.lines)) {
      setTimeout(look, 5000); // the store is away for a moment
      return;
    }
    const atEnd = log.scrollTop + log.clientHeight >= log.scrollHeight - 4;
    answer.lines.forEach(add);
    if (atEnd) log.scrollTop = log.scrollHeight;
    if (answer.ended) {
      location.reload(); // effects and attempts are on the page too
      return;
    }
    if (state.textContent !== answer.state) {
      state.textContent = answer.state;
      state.className = "state state-" + answer.state;
    }
    setTimeout(look, 700);
  }

  setTimeout(look, 300);
})();
