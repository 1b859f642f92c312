// A story as a timeline: when, what, and where a phone was late, when we heard of it.

import { element } from "../js/dom.js";
import { clockTimeToTheSecond, dayName, t } from "../js/i18n.js";
import { picture } from "./evidence.js";

const LATE_MS = 5_000;

/** `story`: lines as the server tells them, the oldest first. */
export function storySection(story, api) {
  let day = "";
  const lines = story.flatMap((line) => {
    const itsDay = line.at.slice(0, 10);
    const heading = itsDay === day ? [] : [element("li", { class: "day" }, dayName(itsDay))];
    day = itsDay;
    return [...heading, row(line, api)];
  });
  return [element("h2", {}, t("desk.story")), lines.length ? element("ol", { class: "story" }, lines)
    : element("p", { class: "empty" }, t("desk.no_story"))];
}

function row(line, api) {
  const isLate = Date.parse(line.known_at) - Date.parse(line.at) > LATE_MS;
  const { evidence } = line;
  return element("li", { class: `line ${line.entity}`, "data-name": line.name },
    element("time", { class: "number soft small", datetime: line.at }, clockTimeToTheSecond(line.at)),
    element("div", {}, element("span", {}, line.text),
      line.words ? element("q", {}, line.words) : null,
      isLate ? element("span", { class: "soft small" }, t("desk.heard_at", { when: clockTimeToTheSecond(line.known_at) })) : null,
      evidence?.media_id ? picture(evidence.media_id, api) : null,
      evidence?.lat ? element("span", { class: "soft small number" }, `${evidence.lat.toFixed(5)}, ${evidence.lng.toFixed(5)}`) : null));
}
