// All that needs a script: the console's filter, and folds that open for whoever follows a link into them.
"use strict";

const search = document.getElementById("search");
if (search) {
  const lines = Array.from(document.querySelectorAll("#console-lines li"), (item) => [item, item.textContent.toLowerCase()]);
  const status = document.getElementById("search-status");
  search.parentElement.hidden = false;
  search.addEventListener("input", () => {
    const wanted = search.value.toLowerCase();
    let found = 0;
    for (const [item, text] of lines) {
      item.hidden = !text.includes(wanted);
      found += !item.hidden;
    }
    status.textContent = wanted && `${found} of ${lines.length} lines`;
  });
}

function open() {
  const target = location.hash && document.getElementById(location.hash.slice(1));
  const fold = target && target.closest("details");
  if (!fold || fold.open) return;
  fold.open = true;
  target.scrollIntoView();
}
addEventListener("hashchange", open);
open();
