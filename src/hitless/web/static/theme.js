// Before the page is drawn: the theme that was chosen here, or else what the system says.
"use strict";
(() => {
  const order = ["auto", "light", "dark"];
  let theme = "auto";
  try { theme = localStorage.getItem("theme") || "auto"; } catch { /* no storage: the system's */ }
  const set = () => {
    document.documentElement.dataset.theme = theme;
    const button = document.getElementById("theme");
    if (button) {
      button.hidden = false;
      button.textContent = `Theme: ${theme}`;
    }
  };
  set();
  document.addEventListener("DOMContentLoaded", () => {
    set();
    document.getElementById("theme").addEventListener("click", () => {
      theme = order[(order.indexOf(theme) + 1) % order.length];
      try { localStorage.setItem("theme", theme); } catch { /* as above */ }
      set();
    });
  });
})();
