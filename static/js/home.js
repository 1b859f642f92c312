// The first page: only its language.

import { onLanguage, startLanguage, t } from "./i18n.js";

const speak = () => { document.title = t(document.body.dataset.title); };
onLanguage(speak);
startLanguage();
