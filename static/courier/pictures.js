// Pictures from the phone's camera, made small enough for a bad network; and signatures drawn by a finger.

import { element } from "../js/dom.js";
import { t } from "../js/i18n.js";

const LONGEST_PX = 1600;
const QUALITY = 0.85;

/** The photo as a JPEG of at most 1600 pixels; as it is where the browser cannot draw it. */
export async function smaller(file) {
  try {
    const bitmap = await createImageBitmap(file);
    const scale = Math.min(1, LONGEST_PX / Math.max(bitmap.width, bitmap.height));
    const canvas = element("canvas", { width: Math.round(bitmap.width * scale), height: Math.round(bitmap.height * scale) });
    canvas.getContext("2d").drawImage(bitmap, 0, 0, canvas.width, canvas.height);
    return await asBlob(canvas, "image/jpeg");
  } catch {
    return file;
  }
}

/** A button that opens the camera; `onPhoto(blob)` hears of each photo. */
export function cameraButton(label, onPhoto) {
  const input = element("input", { type: "file", accept: "image/*", capture: "environment", class: "camera" });
  input.addEventListener("change", async () => {
    const [file] = input.files;
    if (file) onPhoto(await smaller(file));
    input.value = "";
  });
  return element("label", { class: "button camera-button" }, label, input);
}

/** A field to sign in: {node, isEmpty(), picture()}. */
export function signaturePad() {
  const canvas = element("canvas", { class: "signature", width: 900, height: 360, role: "img", "aria-label": t("ride.sign_here") });
  const pen = canvas.getContext("2d");
  let isEmpty = true;
  let last = null;
  const clear = () => {
    pen.fillStyle = "#fff";
    pen.fillRect(0, 0, canvas.width, canvas.height);
    isEmpty = true;
  };
  const at = ({ clientX, clientY }) => {
    const box = canvas.getBoundingClientRect();
    return { x: (clientX - box.left) * (canvas.width / box.width), y: (clientY - box.top) * (canvas.height / box.height) };
  };
  canvas.addEventListener("pointerdown", (event) => {
    canvas.setPointerCapture(event.pointerId);
    last = at(event);
  });
  canvas.addEventListener("pointermove", (event) => {
    if (!last) return;
    const next = at(event);
    Object.assign(pen, { strokeStyle: "#111", lineWidth: 6, lineCap: "round", lineJoin: "round" });
    pen.beginPath();
    pen.moveTo(last.x, last.y);
    pen.lineTo(next.x, next.y);
    pen.stroke();
    last = next;
    isEmpty = false;
  });
  for (const end of ["pointerup", "pointercancel"]) canvas.addEventListener(end, () => { last = null; });
  clear();
  return {
    node: element("div", { class: "pad" }, canvas, element("button", { type: "button", class: "quiet", onclick: clear }, t("ride.sign_again"))),
    isEmpty: () => isEmpty,
    picture: () => asBlob(canvas, "image/png"),
  };
}

function asBlob(canvas, type) {
  return new Promise((resolve, reject) => {
    canvas.toBlob((blob) => (blob ? resolve(blob) : reject(new Error("no picture"))), type, QUALITY);
  });
}
