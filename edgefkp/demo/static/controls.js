// What both pages do with their controls.

export const element = (id) => document.getElementById(id);

// Says on or off, and looks pressed.
export function showToggle(button, on) {
  let state = button.querySelector(".state");
  if (!state) {
    state = document.createElement("span");
    state.className = "state";
    state.ariaHidden = "true"; // aria-pressed says it
    button.append(state);
  }
  button.setAttribute("aria-pressed", on);
  state.textContent = on ? "on" : "off";
}

export function showKey(button, key) {
  const kbd = document.createElement("kbd");
  kbd.textContent = key;
  button.append(kbd);
  button.setAttribute("aria-keyshortcuts", key);
}

// keys: key -> function. Not while something is typed or chosen, nor with Ctrl, Alt or Meta.
export function listen(keys) {
  addEventListener("keydown", (event) => {
    const typing = event.target.closest?.("select, textarea, input:not([type=range])");
    if (typing || event.ctrlKey || event.altKey || event.metaKey || event.repeat) return;
    keys[event.key.toLowerCase()]?.();
  });
}

// sides: [{name, color}]
export function showLegend(place, sides) {
  place.replaceChildren(...sides.map(({ name, color }) => {
    const dot = document.createElement("span"), words = document.createElement("span");
    dot.className = "dot";
    dot.style.background = color;
    words.append(dot, name);
    return words;
  }));
}

export const percent = (share) => `${(100 * share).toFixed(0)} %`;
