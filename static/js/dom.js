// Small help for building elements.  Text always goes in as text, never as HTML.

/** An element: `element("button", {class: "quiet", onclick: act}, "text", child)`. */
export function element(tag, given = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(given)) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (name === "class") node.className = value;
    else if (name in node && typeof value !== "string") node[name] = value;
    else node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return node;
}

/** Puts `children` in the place of what `parent` holds. */
export function show(parent, ...children) {
  parent.replaceChildren(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
}

/** As `show`, for what is drawn again and again: whoever types in a part that stays goes on typing. */
export function redraw(parent, ...children) {
  const { activeElement } = document;
  const { scrollTop } = parent;
  show(parent, ...children);
  parent.scrollTop = scrollTop;
  if (activeElement !== document.activeElement && parent.contains(activeElement)) activeElement.focus({ preventScroll: true });
}

/** Makes `nodes` the children of `parent`, in this order, and leaves alone those that stand there already. */
export function sync(parent, nodes) {
  const kept = new Set(nodes);
  for (const child of [...parent.childNodes]) if (!kept.has(child)) child.remove();
  for (const [index, node] of nodes.entries()) {
    if (parent.childNodes[index] !== node) parent.insertBefore(node, parent.childNodes[index] ?? null);
  }
}

const SVG = "http://www.w3.org/2000/svg";

/** An SVG picture of one path in a square of 24. */
export function icon(path, given = {}) {
  const svg = document.createElementNS(SVG, "svg");
  for (const [name, value] of Object.entries({ viewBox: "0 0 24 24", "aria-hidden": "true", class: "icon", ...given })) {
    svg.setAttribute(name, value);
  }
  const drawn = document.createElementNS(SVG, "path");
  drawn.setAttribute("d", path);
  svg.append(drawn);
  return svg;
}

/** Runs `act` in the next animation frame, once, however often it is asked for. */
export function oncePerFrame(act) {
  let asked = false;
  return () => {
    if (asked) return;
    asked = true;
    requestAnimationFrame(() => {
      asked = false;
      act();
    });
  };
}

export const ICONS = {
  arrow: "M12 2 L19 21 L12 17 L5 21 Z",
  back: "M15 4 L7 12 L15 20",
  close: "M5 5 L19 19 M19 5 L5 19",
  home: "M3 11 L12 3 L21 11 V21 H14 V15 H10 V21 H3 Z",
  bowl: "M3 11 H21 A9 9 0 0 1 15 19.5 V21 H9 V19.5 A9 9 0 0 1 3 11 Z M8 8 Q7 6 8.5 4 M12 8 Q11 6 12.5 4 M16 8 Q15 6 16.5 4",
  spot: "M12 8 A4 4 0 1 1 11.99 8 Z",
  play: "M7 4 L20 12 L7 20 Z",
  pause: "M7 4 H10.5 V20 H7 Z M13.5 4 H17 V20 H13.5 Z",
  clock: "M12 3 A9 9 0 1 1 11.99 3 Z M12 7 V12 L15.5 14",
  bag: "M5 8 H19 L20 21 H4 Z M9 8 V6 A3 3 0 0 1 15 6 V8",
  bell: "M6 16 V11 A6 6 0 0 1 18 11 V16 L20 18 H4 Z M10 21 H14 M12 5 V3",
  silence: "M6 16 V11 A6 6 0 0 1 18 11 V16 L20 18 H4 Z M10 21 H14 M12 5 V3 M3 3 L21 21",
  warning: "M12 4 L22 20 H2 Z M12 10 V14 M12 17 V17.2",
  link: "M10 14 A4 4 0 0 0 15.5 14 L19 10.5 A4 4 0 0 0 13.5 5 L12.5 6 M14 10 A4 4 0 0 0 8.5 10 L5 13.5 A4 4 0 0 0 10.5 19 L11.5 18",
  check: "M5 12.5 L10 17.5 L19 7",
};

/** Fills a <select> with [value, words] pairs. */
export function fillChoice(select, options, chosen) {
  select.append(...options.map(([value, words]) => element("option", { value: String(value), selected: value === chosen }, words)));
  return select;
}
