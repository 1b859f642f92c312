// Where the merchant delivers to: its areas as a list and on the map, drawn and changed corner by corner.

import { element, show } from "../js/dom.js";
import { money, sentenceFor, t } from "../js/i18n.js";
import { fit, followScheme, pin, showPolygons } from "../js/map.js";
import { openMap } from "../js/page.js";
import { cornersOf, FEWEST, partsOf, polygonOf, sizeKm2 } from "./area_shape.js";
import { HoursEditor } from "./hours_editor.js";
import { Outline } from "./outline.js";
import { minorOf, textOfMinor } from "./sums.js";

const SHOWN = "areas";
const COLOUR = "#0b7566";

export class AreasSection {
  #api; #merchantId; #house; #say;
  #map = null;
  #areas = null;
  #editing = null;                       // {area, outline, form}; area null: a new one
  #side = element("div", { class: "areas-side" });
  #hasLeft = false;
  node = element("div", { class: "areas" }, this.#side, element("div", { class: "map", id: "map-frame" },
    element("div", { id: "map", class: "map-canvas" }), element("p", { class: "map-note", id: "map-note", role: "status" })));

  constructor({ api, merchantId, house, say }) {
    this.#api = api;
    this.#merchantId = merchantId;
    this.#house = house;
    this.#say = say;
    queueMicrotask(() => this.#open());  // the map wants its frame to stand in the page
  }

  leave() {
    this.#hasLeft = true;
    this.#editing?.outline.leave();
    this.#map?.remove();
  }

  onHouse() {
    if (!this.#editing) this.draw();
  }

  async #open() {
    await this.#look();
    const { map, config } = await openMap();
    if (this.#hasLeft) {
      map?.remove();
      return;
    }
    this.#map = map;
    if (!map) return;
    followScheme(map, config, () => this.#showAreas());
    this.#showHouse();
    this.#showAreas();
    this.#fitAll();
    this.draw();
  }

  async #look() {
    try {
      this.#areas = (await this.#api.get(`/merchants/${this.#merchantId}/areas`)).areas;
    } catch (error) {
      this.#say(error);
    }
    this.#showAreas();
    this.draw();
  }

  #showHouse() {
    const house = this.#house();
    if (house) pin(this.#map, "pickup", house, { name: house.name });
  }

  #showAreas() {
    if (!this.#map || !this.#areas) return;
    const others = this.#areas.filter(({ id, active }) => active && id !== this.#editing?.area?.id);
    showPolygons(this.#map, SHOWN, others.flatMap(({ polygon }) => partsOf(polygon)), COLOUR);
  }

  #fitAll(areas = this.#areas ?? []) {
    const house = this.#house();
    const places = areas.flatMap(({ polygon }) => partsOf(polygon).flat(2));
    if (this.#map) fit(this.#map, [...(house ? [house] : []), ...places], { padding: 50, maxZoom: 14, animate: false });
  }

  draw() {
    if (this.#editing) show(this.#side, this.#editing.form);
    else show(this.#side, this.#list());
  }

  #list() {
    if (!this.#areas) return element("p", { class: "empty" }, "…");
    const house = this.#house();
    return element("div", { class: "form" }, element("h2", {}, t("kitchen.areas")),
      this.#areas.length ? element("ul", { class: "rows" }, this.#areas.map((area) => element("li", { class: "card area", "data-area": area.id },
        element("strong", {}, area.name),
        element("span", { class: "small soft" }, [
          area.active ? t("area.active") : t("area.inactive"),
          area.delivery_fee_minor === null ? t("area.usual_fee") : money(area.delivery_fee_minor, house?.currency ?? "EUR"),
          t(area.hours ? "area.own_hours" : "area.house_hours"),
        ].join(" · ")),
        element("div", { class: "acts" },
          element("button", { type: "button", "data-act": "area.edit", onclick: () => this.#edit(area) }, t("area.edit")),
          element("button", { type: "button", class: "quiet", onclick: () => this.#fitAll([area]) }, t("area.show"))))))
        : element("p", { class: "empty" }, t("area.none")),
      element("div", { class: "acts" }, element("button", { type: "button", class: "primary", "data-act": "area.draw", disabled: !this.#map, onclick: () => this.#edit(null) }, t("area.draw"))));
  }

  #edit(area) {
    const corners = area ? cornersOf(area.polygon) : [];
    const size = element("p", { class: "small soft number", role: "status" });
    const outline = new Outline({
      map: this.#map, corners: corners ?? [], isFixed: corners === null,
      onChange: (now) => { size.textContent = sizeText(now); },
    });
    this.#editing = { area, outline, form: this.#form(area, outline, size) };
    if (corners === null) size.textContent = t("area.fixed");
    if (area) this.#fitAll([area]);
    this.#showAreas();
    this.draw();
    this.#side.querySelector("input")?.focus();
  }

  #form(area, outline, size) {
    const { currency } = this.#house();
    const name = element("input", { name: "area-name", maxlength: "200", required: true, value: area?.name ?? "" });
    const fee = element("input", {
      name: "area-fee", inputmode: "decimal", placeholder: t("area.usual_fee"),
      value: area && area.delivery_fee_minor !== null ? textOfMinor(area.delivery_fee_minor, currency) : "",
    });
    const active = element("input", { type: "checkbox", checked: area?.active ?? true });
    const hours = new HoursEditor(area?.hours ?? null, "hours.as_house");
    const problem = element("p", { class: "problem", role: "alert" });
    const form = element("form", { class: "form", novalidate: true },
      element("h2", {}, t(area ? "area.edit" : "area.draw")),
      element("p", { class: "hint" }, t("area.how")), size,
      element("div", { class: "acts" },
        element("button", { type: "button", onclick: () => outline.addAtCentre() }, t("area.add_corner")),
        element("button", { type: "button", class: "quiet", onclick: () => outline.undo() }, t("undo.do"))),
      element("label", {}, element("span", {}, t("area.name")), name),
      element("label", {}, element("span", {}, t("area.fee", { currency })), fee),
      hours.node,
      element("label", { class: "check" }, active, element("span", {}, t("area.active"))),
      problem,
      element("div", { class: "acts" },
        element("button", { type: "submit", class: "primary" }, t("kitchen.save")),
        element("button", { type: "button", onclick: () => this.#close() }, t("kitchen.back")),
        area ? element("button", { type: "button", class: "danger", "data-act": "area.remove", onclick: () => this.#remove(area, problem) }, t("area.remove")) : null));
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      problem.textContent = "";
      const week = hours.value();
      const feeMinor = fee.value.trim() ? minorOf(fee.value, currency) : null;
      if (week === undefined) return;
      if (!name.value.trim()) problem.textContent = t("area.needs_name");
      else if (fee.value.trim() && feeMinor === null) problem.textContent = t("house.bad_number");
      else if (!outline.isFixed && outline.corners.length < FEWEST) problem.textContent = t("area.too_few");
      if (problem.textContent) return;
      const drawn = {
        name: name.value.trim(), polygon: outline.isFixed ? area.polygon : polygonOf(outline.corners), hours: week,
        delivery_fee_minor: feeMinor, active: active.checked,
      };
      const path = `/merchants/${this.#merchantId}/areas`;
      try {
        if (area) await this.#api.put(`${path}/${area.id}`, { ...drawn, version: area.version });
        else await this.#api.post(path, drawn);
        await this.#close();
      } catch (error) {
        problem.textContent = error.faults?.map(sentenceFor).join(" ") || sentenceFor(error);
      }
    });
    return form;
  }

  async #remove(area, problem) {
    const button = this.#side.querySelector('[data-act="area.remove"]');
    if (button.dataset.asked !== "yes") {              // asked once more before it is gone
      button.dataset.asked = "yes";
      button.textContent = t("area.remove_sure");
      return;
    }
    try {
      await this.#api.remove(`/merchants/${this.#merchantId}/areas/${area.id}`);
      await this.#close();
    } catch (error) {
      problem.textContent = sentenceFor(error);
    }
  }

  async #close() {
    this.#editing?.outline.leave();
    this.#editing = null;
    await this.#look();
  }
}

function sizeText(corners) {
  if (corners.length < FEWEST) return t("area.corners_left", { n: FEWEST - corners.length });
  return t("area.size", { n: corners.length, size: sizeKm2(corners).toFixed(2) });
}
