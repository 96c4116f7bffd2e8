const region = (id: string, title: string, body: string, extra = ''): string => `
<section id="${id}-region" aria-labelledby="${id}-title">
<div class="section-head"><h2 id="${id}-title">${title}</h2>${extra}</div>
${body}
</section>`;

const table = (label: string, head: string, bodyId: string): string =>
  `<div class="scroll" role="region" tabindex="0" aria-label="${label}"><table><thead><tr ${head}</tr></thead><tbody id="${bodyId}"></tbody></table></div>`;

const TRAFFIC = region(
  'traffic',
  'Traffic',
  `<div class="charts">
${['requests', 'share', 'response', 'bytes'].map(name => `<figure><figcaption id="legend-${name}" class="legend"></figcaption><div id="chart-${name}" class="chart" aria-hidden="true"></div></figure>`).join('\n')}
</div>
<p class="hint">Lines across a chart are passes; red ones failed. A gap is a time in which HAProxy was not read.</p>
${table('Frontends and backends', 'id="proxies-head">', 'proxies')}
<p id="proxies-none" class="none">HAProxy has not been asked yet.</p>`,
  '<p id="traffic-now" class="aside"></p><label class="aside">Show <select id="traffic-of"><option value="">all frontends</option></select></label>',
);

const MEMBERS = region(
  'members',
  'Members <span id="members-count" class="count">0</span>',
  `<div id="apps"></div><p id="members-none" class="none">Waiting for the first news.</p>
<details id="gone"><summary>Left <span id="gone-count" class="count">0</span></summary>
${table('Pods that left', '><th scope="col">When</th><th scope="col">App</th><th scope="col">Address</th><th scope="col">Pod</th><th scope="col">Why</th>', 'departures')}</details>`,
  '<label class="aside">Filter <input id="filter" type="search" autocomplete="off" spellcheck="false" aria-keyshortcuts="/"> <kbd aria-hidden="true">/</kbd></label>',
);

const HISTORY = region(
  'history',
  'History',
  '<ol id="passes" class="passes"></ol><p id="passes-none" class="none">Waiting for the first news.</p>',
  '<label class="aside"><input id="failed-only" type="checkbox"> failed only</label>',
);

const GENERATIONS = region(
  'generations',
  'Generations',
  `${table('Generations', '><th scope="col">Generation</th><th scope="col">PID</th><th scope="col">State</th><th scope="col">Connections</th><th scope="col">Ends</th>', 'generations')}
<h3>Listeners</h3><ul id="listeners" class="listeners"></ul>`,
);

const LEVELS = ['trace', 'debug', 'info', 'warn', 'error'].map(level => `<option>${level}</option>`).join('');

const OPERATOR = region(
  'operator',
  'Operator',
  `<form id="operator-form">
<label>Token <input id="token" type="password" autocomplete="off"></label>
<p class="hint">Changes need the token of KONTROL_TOKEN_FILE. This page keeps it in memory only.</p>
<div class="buttons operator-only">
<button id="reconfigure" type="button">Reconfigure now</button>
<button id="release" type="button" hidden>Release the rollback</button>
<label>Log level <select id="level">${LEVELS}</select></label>
</div>
<p id="outcome" role="status"></p>
</form>`,
);

/** The dashboard: one page without anything that differs between two daemons; all it shows comes through `/events`. */
export const PAGE = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>haproxy-kontrol</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="dashboard/uplot.css">
<link rel="stylesheet" href="dashboard/style.css">
<script src="dashboard/uplot.js" defer></script>
<script type="module" src="dashboard/main.js"></script>
</head>
<body>
<a class="skip" href="#main">Skip to the content</a>
<header>
<h1>haproxy-kontrol</h1>
<span id="identity"></span>
<span id="version"></span>
<span id="connection" role="status" data-tone="plain">connecting</span>
</header>
<main id="main" tabindex="-1">
<section aria-labelledby="verdict">
<h2 id="verdict" data-tone="plain" aria-live="polite">Waiting for the first news</h2>
<ul id="problems" aria-label="What needs attention"></ul>
<dl id="tiles"></dl>
</section>
${TRAFFIC}
<div class="columns">
<div>${HISTORY}</div>
<div>${GENERATIONS}${OPERATOR}</div>
</div>
${MEMBERS}
</main>
<footer><span id="zone"></span> <a href="status">status</a> <a href="history">history</a> <a href="config">config</a> <a href="metrics">metrics</a> <a href="openapi.json">OpenAPI</a></footer>
<dialog id="timeline" aria-labelledby="timeline-title">
<h2 id="timeline-title">The story of <code id="timeline-ip"></code></h2>
<div id="timeline-servers"></div>
<ol id="moments"></ol>
<button id="timeline-close" type="button">Close</button>
</dialog>
<noscript><p>This page needs JavaScript; <a href="status">/status</a> does not.</p></noscript>
</body>
</html>
`;
