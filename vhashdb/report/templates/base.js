"use strict";
// What is of no use without a script is hidden until there is one.
for (const element of document.querySelectorAll("[data-needs-script]")) element.hidden = false;
