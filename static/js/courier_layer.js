// Draws a Fleet on the map: one MapLibre custom layer, one draw call, whatever their number.  The graphics card moves
// every courier along his stretch, so that a frame costs the page nothing.

import { STRIDE } from "./fleet.js";

const VERTEX = `#version 300 es
layout(location = 0) in vec4 path;        // from x, y and to x, y, beside the fleet's origin
layout(location = 1) in vec2 span;        // start and end, seconds
layout(location = 2) in vec3 about;       // bearing (below 0: unknown), state, when heard
uniform mat4 matrix;
uniform float now;
uniform float size;
uniform vec2 silence;                     // ageing after, gone after, seconds
uniform int selected;
uniform vec3 colours[5];                  // free, busy, off, ageing, gone
out vec3 colour;
out vec2 heading;                         // cosine and sine; both 0 when unknown
out float solid;
out float isSelected;
out float pixels;
void main() {
  float lasts = span.y - span.x;
  float share = lasts > 0.0 ? clamp((now - span.x) / lasts, 0.0, 1.0) : 1.0;
  gl_Position = matrix * vec4(mix(path.xy, path.zw, share), 0.0, 1.0);
  float silent = now - about.z;
  colour = silent >= silence.y ? colours[4] : silent >= silence.x ? colours[3] : colours[int(about.y + 0.5)];
  solid = silent >= silence.y || (about.y > 1.5) ? 0.6 : 1.0;
  isSelected = gl_VertexID == selected ? 1.0 : 0.0;
  pixels = size * (1.0 + 0.9 * isSelected);
  gl_PointSize = pixels;
  float turn = radians(about.x);
  heading = about.x < 0.0 ? vec2(0.0) : vec2(cos(turn), sin(turn));
}`;

const FRAGMENT = `#version 300 es
precision highp float;
in vec3 colour;
in vec2 heading;
in float solid;
in float isSelected;
in float pixels;
uniform vec3 rim;
uniform float beaks;                      // 1: show headings; 0: from so far out they would only blur
out vec4 painted;
float disc(vec2 p, float radius, float soft) { return 1.0 - smoothstep(radius - soft, radius + soft, length(p)); }
void main() {
  vec2 p = gl_PointCoord * 2.0 - 1.0;
  float soft = 1.6 / pixels;
  float grown = 1.0 + 0.9 * isSelected;
  vec2 q = p * grown;                                        // the courier himself stays as large when selected
  vec2 ahead = vec2(q.x * heading.x + q.y * heading.y, -q.x * heading.y + q.y * heading.x);
  float known = step(0.5, dot(heading, heading)) * beaks;
  float beak = known * (1.0 - step(-0.36, ahead.y))
    * (1.0 - smoothstep(-soft, soft, abs(ahead.x) - (0.96 + ahead.y) * 0.62));
  float body = max(disc(q, 0.5, soft), beak);
  float edge = disc(q, 0.64, soft);
  float halo = isSelected * disc(p, 0.96, soft) * 0.3;
  float cover = max(max(body, edge) * solid, halo);
  vec3 shown = mix(rim, colour, max(body, 1.0 - step(0.01, max(body, edge))));
  painted = vec4(shown * cover, cover);
}`;

const FAST_MPS = 12;                 // nobody in town outruns this by much: decides how often a frame is worth it
const PX_A_FRAME = 0.5;
const LONGEST_FRAME_MS = 250;
const BEAKS_FROM_ZOOM = 14.5;

export class CourierLayer {
  id = "couriers";
  type = "custom";
  renderingMode = "2d";
  selected = null;
  hidden = false;

  /** `limits` {ageing_after_s, gone_after_s}; `colours` five [r, g, b] from 0 to 1, and `rim`. */
  constructor(fleet, { limits, colours, rim }) {
    this.fleet = fleet;
    this.limits = limits;
    this.colours = colours;
    this.rim = rim;
  }

  onAdd(map, gl) {
    this.map = map;
    this.program = link(gl, VERTEX, FRAGMENT);
    this.at = Object.fromEntries(["matrix", "now", "size", "silence", "selected", "colours", "rim", "beaks"]
      .map((name) => [name, gl.getUniformLocation(this.program, name)]));
    this.buffer = gl.createBuffer();
    this.array = gl.createVertexArray();
    gl.bindVertexArray(this.array);
    gl.bindBuffer(gl.ARRAY_BUFFER, this.buffer);
    for (const [place, [length, offset]] of [[4, 0], [2, 4], [3, 6]].entries()) {
      gl.enableVertexAttribArray(place);
      gl.vertexAttribPointer(place, length, gl.FLOAT, false, STRIDE * 4, offset * 4);
    }
    gl.bindVertexArray(null);
    this.fleet.changed = true;
  }

  onRemove(map, gl) {
    clearTimeout(this.nextFrame);
    gl.deleteBuffer(this.buffer);
    gl.deleteVertexArray(this.array);
    gl.deleteProgram(this.program);
  }

  render(gl, { defaultProjectionData }) {
    if (this.hidden) return;
    const { fleet, at } = this;
    const now = Date.now();
    gl.useProgram(this.program);
    gl.bindVertexArray(this.array);
    if (fleet.changed) {
      gl.bindBuffer(gl.ARRAY_BUFFER, this.buffer);
      gl.bufferData(gl.ARRAY_BUFFER, fleet.data.subarray(0, fleet.size * STRIDE), gl.DYNAMIC_DRAW);
      fleet.changed = false;
    }
    gl.uniformMatrix4fv(at.matrix, false, movedTo(defaultProjectionData.mainMatrix, fleet.origin));
    gl.uniform1f(at.now, fleet.seconds(now));
    gl.uniform1f(at.size, pointSize(this.map.getZoom()) * devicePixelRatio);
    gl.uniform1f(at.beaks, this.map.getZoom() >= BEAKS_FROM_ZOOM ? 1 : 0);
    gl.uniform2f(at.silence, this.limits.ageing_after_s, this.limits.gone_after_s);
    const selected = this.selected === null ? -1 : fleet.slotOf(this.selected);
    gl.uniform1i(at.selected, selected);
    gl.uniform3fv(at.colours, this.colours.flat());
    gl.uniform3fv(at.rim, this.rim);
    gl.drawArrays(gl.POINTS, 0, fleet.size);
    if (selected >= 0) gl.drawArrays(gl.POINTS, selected, 1);      // once more, above everybody
    gl.bindVertexArray(null);
    if (fleet.isMoving(now)) this.#soon();
  }

  /** The next frame when the fastest has moved half a pixel: far out, four a second look as smooth as sixty. */
  #soon() {
    clearTimeout(this.nextFrame);
    const mPerPx = (40_075_017 * Math.cos((this.map.getCenter().lat * Math.PI) / 180)) / (512 * 2 ** this.map.getZoom());
    const waitMs = Math.min(LONGEST_FRAME_MS, (1000 * PX_A_FRAME * mPerPx) / FAST_MPS);
    if (waitMs <= 17) this.map.triggerRepaint();
    else this.nextFrame = setTimeout(() => this.map.triggerRepaint(), waitMs);
  }
}

/** The diameter of a courier in pixels: dots over a region, arrows in a street. */
function pointSize(zoom) {
  return Math.max(9, Math.min(30, 9 + (zoom - 10) * 2.6));
}

/** `matrix` for coordinates that are counted from `origin`, worked out in 64 bits. */
function movedTo(matrix, { x, y }) {
  const moved = Array.from(matrix);
  for (let row = 0; row < 4; row += 1) moved[12 + row] += matrix[row] * x + matrix[4 + row] * y;
  return new Float32Array(moved);
}

function link(gl, vertex, fragment) {
  const program = gl.createProgram();
  for (const [kind, source] of [[gl.VERTEX_SHADER, vertex], [gl.FRAGMENT_SHADER, fragment]]) {
    const shader = gl.createShader(kind);
    gl.shaderSource(shader, source);
    gl.compileShader(shader);
    if (!gl.getShaderParameter(shader, gl.COMPILE_STATUS)) throw new Error(gl.getShaderInfoLog(shader));
    gl.attachShader(program, shader);
  }
  gl.linkProgram(program);
  if (!gl.getProgramParameter(program, gl.LINK_STATUS)) throw new Error(gl.getProgramInfoLog(program));
  return program;
}
