/** Colours meet WCAG AA (4.5:1) on their own ground, in light and in dark. */
const COLORS = `
:root {
  color-scheme: light dark;
  --ground: #f6f7f9; --card: #fff; --text: #1b1f24; --muted: #57606a; --line: #d5dae0; --link: #0550ae;
  --good: #116329; --good-ground: #dff5e3; --notice: #7a4b00; --notice-ground: #fff1cf; --bad: #a40e26; --bad-ground: #ffe3e5;
  --curve-1: #0969da; --curve-2: #9a6700; --curve-3: #cf222e; --curve-4: #8250df;
}
@media (prefers-color-scheme: dark) {
  :root {
    --ground: #0d1117; --card: #161b22; --text: #e6edf3; --muted: #9aa4af; --line: #30363d; --link: #79b8ff;
    --good: #6fdd8b; --good-ground: #12301b; --notice: #f2c55c; --notice-ground: #35280a; --bad: #ff9aa2; --bad-ground: #41151b;
    --curve-1: #58a6ff; --curve-2: #e3b341; --curve-3: #ff7b72; --curve-4: #bc8cff;
  }
}
`;

const LAYOUT = `
* { box-sizing: border-box; }
body { margin: 0; background: var(--ground); color: var(--text); font: 15px/1.45 system-ui, sans-serif; }
header, main, footer { max-width: 1400px; margin: 0 auto; padding: 0 16px; }
header { display: flex; flex-wrap: wrap; align-items: baseline; gap: 4px 16px; padding-top: 14px; }
footer { padding-bottom: 32px; display: flex; gap: 16px; flex-wrap: wrap; }
h1 { font-size: 20px; margin: 0; }
h2 { font-size: 17px; margin: 0; }
h3, h4 { font-size: 14px; margin: 12px 0 4px; }
#version, .aside, .hint, .none, .note { color: var(--muted); }
#identity { font-weight: 600; overflow-wrap: anywhere; }
.stale main { filter: grayscale(1); }
.none:empty { display: none; }
a, .link { color: var(--link); }
section { background: var(--card); border: 1px solid var(--line); border-radius: 8px; padding: 14px 16px; margin: 14px 0; min-width: 0; }
.section-head { display: flex; flex-wrap: wrap; justify-content: space-between; align-items: baseline; gap: 4px 16px; margin-bottom: 8px; }
.section-head p { margin: 0; }
.columns { display: grid; gap: 14px; grid-template-columns: minmax(0, 1fr); }
.columns > div { display: flex; flex-direction: column; gap: 14px; min-width: 0; }
.columns section { margin: 0; }
.columns > div > section:last-child { flex: 1; }
.charts { display: grid; gap: 14px; grid-template-columns: repeat(auto-fit, minmax(min(100%, 320px), 1fr)); margin-bottom: 8px; }
figure { margin: 0; min-width: 0; }
figcaption { color: var(--muted); font-size: 13px; display: flex; flex-wrap: wrap; gap: 0 14px; min-height: 20px; }
.legend .curve { white-space: nowrap; }
.legend .curve::before { content: ''; display: inline-block; width: 14px; height: 3px; margin-right: 6px; vertical-align: middle; background: currentColor; }
.legend .curve b { color: var(--text); font-variant-numeric: tabular-nums; }
.legend .curve-1 { color: var(--curve-1); } .legend .curve-2 { color: var(--curve-2); } .legend .curve-3 { color: var(--curve-3); } .legend .curve-4 { color: var(--curve-4); }
.legend .moment { margin-left: auto; }
.chart { width: 100%; min-height: 150px; overflow: hidden; }
@media (max-width: 600px) { header, main, footer { padding-inline: 10px; } section { padding-inline: 12px; } }
@media (min-width: 1000px) { .columns { grid-template-columns: minmax(0, 2fr) minmax(0, 1fr); } }
.skip { position: absolute; left: -999px; }
.skip:focus { left: 8px; top: 8px; background: var(--card); padding: 8px; z-index: 1; }
:focus-visible { outline: 3px solid var(--link); outline-offset: 2px; }
[hidden] { display: none !important; }
`;

const STATE = `
#verdict { font-size: 24px; }
#verdict[data-tone=good], #connection[data-tone=good], #outcome[data-tone=good] { color: var(--good); }
#verdict[data-tone=notice] { color: var(--notice); }
#verdict[data-tone=bad], #connection[data-tone=bad], #outcome[data-tone=bad] { color: var(--bad); }
#connection::before { content: '\\25CF\\00A0'; }
#problems { list-style: none; margin: 8px 0; padding: 0; display: grid; gap: 6px; }
#problems:empty { display: none; }
#problems li { border-left: 4px solid; border-radius: 4px; padding: 6px 10px; overflow-wrap: anywhere; }
#problems li span { display: block; color: var(--text); }
#problems .act { margin: 6px 0 2px; display: flex; flex-wrap: wrap; gap: 4px 10px; align-items: center; }
#problems .act:empty { display: none; }
#problems .act span { display: inline; font-size: 13px; }
#problems [data-tone=bad] { color: var(--bad); background: var(--bad-ground); }
#problems [data-tone=notice] { color: var(--notice); background: var(--notice-ground); }
#tiles { display: grid; gap: 10px; margin: 12px 0 0; grid-template-columns: repeat(auto-fit, minmax(min(180px, 45%), 1fr)); }
.tile { border: 1px solid var(--line); border-top: 4px solid var(--line); border-radius: 6px; padding: 6px 10px; min-width: 0; }
.tile dt { color: var(--muted); font-size: 13px; }
.tile dd { margin: 0; }
.tile .value { font-size: 19px; font-weight: 600; overflow-wrap: anywhere; }
.tile .note { font-size: 13px; overflow-wrap: anywhere; display: -webkit-box; -webkit-box-orient: vertical; -webkit-line-clamp: 3; overflow: hidden; }
@media (max-width: 600px) { #tiles { gap: 8px; } .tile { padding-inline: 8px; } }
.tile[data-tone=good] { border-top-color: var(--good); }
.tile[data-tone=notice] { border-top-color: var(--notice); }
.tile[data-tone=bad] { border-top-color: var(--bad); }
.tile[data-tone=bad] .value { color: var(--bad); }
`;

const TABLES = `
.scroll {
  overflow-x: auto;
  /* A shade at the edge beyond which there is more. */
  background:
    linear-gradient(var(--card), var(--card)) left / 14px 100% no-repeat local, linear-gradient(var(--card), var(--card)) right / 14px 100% no-repeat local,
    linear-gradient(to right, var(--line), transparent) left / 14px 100% no-repeat scroll, linear-gradient(to left, var(--line), transparent) right / 14px 100% no-repeat scroll;
}
.scroll table { border-collapse: collapse; width: 100%; font-size: 14px; }
.scroll th, .scroll td { text-align: left; padding: 4px 10px 4px 0; border-bottom: 1px solid var(--line); white-space: nowrap; vertical-align: middle; font-variant-numeric: tabular-nums; }
.scroll thead th { color: var(--muted); font-weight: 500; }
.scroll table:has(#proxies) :is(th, td):nth-child(n + 3):nth-child(-n + 12), .app :is(th, td):is(:nth-child(4), :nth-child(5)) { text-align: right; }
.scroll table:has(#proxies) :is(th, td):nth-child(13) { padding-left: 16px; }
.app :is(th, td):nth-child(6) { padding-left: 24px; }
.scroll tr[data-tone=bad] > * { color: var(--bad); }
.scroll td[data-tone=bad], .why[data-tone=bad] { color: var(--bad); }
.scroll td[data-tone=notice], .why[data-tone=notice] { color: var(--notice); }
.scroll td[data-tone=good] { color: var(--good); }
.app table { table-layout: fixed; min-width: 900px; }
.app :is(th, td) { overflow: hidden; text-overflow: ellipsis; }
.app th:nth-child(1) { width: 15%; } .app th:nth-child(2) { width: 18%; } .app th:nth-child(3) { width: 25%; } .app th:nth-child(4) { width: 9%; }
.app th:nth-child(5) { width: 7%; } .app th:nth-child(6) { width: 10%; } .app th:nth-child(7) { width: 16%; }
.app td:nth-child(3) { white-space: normal; overflow-wrap: anywhere; }
code, pre, .link { font-family: ui-monospace, 'DejaVu Sans Mono', monospace; font-size: 13px; }
.link { background: none; border: 0; padding: 2px 0; cursor: pointer; text-decoration: underline; }
details.app { border-top: 1px solid var(--line); }
summary { cursor: pointer; padding: 7px 0; }
.app summary, #gone summary { display: flex; gap: 10px; align-items: baseline; flex-wrap: wrap; }
.app summary::before, .pass summary::before, #gone summary::before { content: '\\25B8'; color: var(--muted); }
.app[open] > summary::before, .pass[open] > summary::before, #gone[open] > summary::before { content: '\\25BE'; }
.app-name { font-weight: 600; overflow-wrap: anywhere; min-width: 0; }
.count { background: var(--line); border-radius: 10px; padding: 0 8px; font-size: 13px; font-weight: 500; }
.late { color: var(--bad); font-size: 13px; }
.late[data-tone=notice] { color: var(--notice); }
#gone { border-top: 1px solid var(--line); margin-top: 8px; }
#gone td:nth-child(5) { white-space: normal; min-width: 120px; }
.app tbody tr { content-visibility: auto; }
progress { width: 90px; height: 8px; margin-right: 8px; vertical-align: middle; border: 0; border-radius: 4px; background: var(--line); accent-color: var(--good); appearance: none; }
progress::-webkit-progress-bar { background: var(--line); border-radius: 4px; }
progress::-webkit-progress-value { background: var(--good); border-radius: 4px; }
progress::-moz-progress-bar { background: var(--good); border-radius: 4px; }
progress[data-tone=notice]::-webkit-progress-value { background: var(--notice); }
progress[data-tone=notice]::-moz-progress-bar { background: var(--notice); }
progress[data-tone=bad]::-webkit-progress-value { background: var(--bad); }
progress[data-tone=bad]::-moz-progress-bar { background: var(--bad); }
@media (max-width: 960px) {
  .scroll :is(th, td) { padding-right: 6px; }
  .scroll table:has(#proxies) :is(th, td):nth-child(13) { display: none; }
  .app table { min-width: 0; }
  .app :is(th, td):nth-child(6) { display: none; }
  .app :is(th, td):nth-child(7) { padding-left: 14px; }
  .app progress { width: 50px; }
  .app th:nth-child(3) { width: 31%; } .app th:nth-child(4) { width: 10%; } .app th:nth-child(7) { width: 19%; }
}
@media (max-width: 600px) {
  .scroll table:has(#generations) :is(th, td):nth-child(2) { display: none; }
  .app :is(th, td):is(:nth-child(4), :nth-child(5)) { display: none; }
  .app th { white-space: normal; }
  .app th:nth-child(1) { width: 27%; } .app th:nth-child(2) { width: 18%; } .app th:nth-child(3) { width: 35%; } .app th:nth-child(7) { width: 20%; }
  .app :is(th, td):nth-child(7) { padding-left: 0; }
  .app :is(td, .link) { white-space: normal; overflow-wrap: anywhere; text-align: left; }
  .app progress { display: none; }
}
.listeners { margin: 0; padding-left: 18px; overflow-wrap: anywhere; }
`;

const HISTORY = `
.passes { list-style: none; margin: 0; padding: 0; max-height: 560px; overflow-y: auto; }
.passes > li { border-top: 1px solid var(--line); }
.pass > summary { display: grid; grid-template-columns: auto auto auto auto 1fr; gap: 2px 10px; align-items: baseline; }
.pass .number { font-weight: 600; }
.pass .cause { overflow-wrap: anywhere; }
.pass .cause[data-tone=failed] { color: var(--bad); }
.pass .moved, .pass .took { color: var(--muted); font-size: 13px; grid-column: 5; }
.pass .took { display: none; }
.badge { justify-self: start; border-radius: 10px; padding: 0 9px; font-size: 13px; background: var(--line); }
.badge[data-tone=ok] { background: var(--good-ground); color: var(--good); }
.badge[data-tone=failed] { background: var(--bad-ground); color: var(--bad); }
.pass-body { padding: 0 0 12px 14px; overflow-wrap: anywhere; }
.pass-body ul { margin: 0; padding-left: 18px; }
.error { color: var(--bad); }
.diff { border: 1px solid var(--line); border-radius: 6px; padding: 8px; overflow-x: auto; max-height: 360px; margin: 4px 0; }
.diff span { display: block; min-width: max-content; }
.diff .added { background: var(--good-ground); color: var(--good); }
.diff .removed { background: var(--bad-ground); color: var(--bad); }
.diff .hunk { color: var(--muted); }
@media (max-width: 600px) {
  .pass > summary { grid-template-columns: auto auto auto 1fr; }
  .pass .cause, .pass .moved { grid-column: 1 / -1; }
}
@media (min-width: 700px) {
  .pass > summary { grid-template-columns: auto minmax(44px, auto) minmax(66px, auto) 88px minmax(0, 1fr) auto auto; }
  .pass .cause, .pass .moved, .pass .took { grid-column: auto; }
  .pass .took { display: inline; min-width: 60px; text-align: right; }
}
`;

const CONTROLS = `
button, input, select { font: inherit; color: inherit; background: var(--ground); border: 1px solid var(--muted); border-radius: 6px; padding: 4px 10px; max-width: 100%; }
input[type=checkbox] { width: auto; }
button { cursor: pointer; }
.buttons { display: flex; flex-wrap: wrap; gap: 10px; align-items: center; }
.operator-only { display: none; }
.operator .operator-only { display: revert; }
.operator .buttons.operator-only { display: flex; }
#outcome { margin: 6px 0 0; }
.hint { font-size: 13px; margin: 6px 0; }
kbd { border: 1px solid var(--line); border-radius: 4px; padding: 0 5px; font-size: 12px; }
dialog { color: var(--text); background: var(--card); border: 1px solid var(--line); border-radius: 10px; padding: 18px; width: min(560px, calc(100vw - 24px)); }
dialog::backdrop { background: #0008; }
#moments { list-style: none; padding: 0; margin: 12px 0; max-height: 60vh; overflow-y: auto; }
#moments li { display: grid; grid-template-columns: auto auto 1fr; gap: 2px 12px; padding: 5px 0; border-top: 1px solid var(--line); overflow-wrap: anywhere; }
#moments time { font-variant-numeric: tabular-nums; color: var(--muted); }
.u-legend { font-size: 13px; color: var(--muted); }
.uplot, .u-wrap { max-width: 100%; }
`;

/** The style sheet of the dashboard. */
export const STYLE = [COLORS, LAYOUT, STATE, TABLES, HISTORY, CONTROLS].join('');
