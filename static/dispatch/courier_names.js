// What couriers are called.  The map and the nearest list know ids only; names are asked for once, many at a time.

import { t } from "../js/i18n.js";

export class CourierNames {
  #api;
  #names = new Map();                      // courier id -> name

  constructor(api) {
    this.#api = api;
  }

  /** His name; while it is not known, the end of his id, which tells couriers apart: ids of one moment begin alike. */
  of(courierId) {
    return this.#names.get(courierId) ?? t("dispatch.courier", { id: courierId.slice(-4).toUpperCase() });
  }

  learn(courierId, name) {
    this.#names.set(courierId, name);
  }

  /** Asks for the names that are not known yet; rejects as the API does. */
  async ask(courierIds) {
    const unknown = courierIds.filter((courierId) => !this.#names.has(courierId));
    if (!unknown.length) return;
    const { couriers } = await this.#api.get("/couriers", { ids: unknown.join() });
    for (const { id, display_name: name } of couriers) this.learn(id, name);
  }
}
