import { createHash } from 'node:crypto';

/** The page's whole style; colours follow the system's. */
export const STYLE = `
:root { color-scheme: light dark; --line: light-dark(#d8dbe0, #3a3f47); --soft: light-dark(#f4f5f7, #22262c);
  --text: light-dark(#1b1f24, #e6e8eb); --muted: light-dark(#5c6570, #9aa4b0); --link: light-dark(#0b5cad, #7db7f5);
  --bad: light-dark(#b3261e, #f2857e); --good: light-dark(#146c2e, #79c98c); --busy: light-dark(#8a5a00, #e5b662); }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 72rem; padding: 1.5rem 1rem 4rem; font: 15px/1.5 system-ui, sans-serif; color: var(--text);
  background: light-dark(#fff, #17191d); }
a { color: var(--link); }
header { display: flex; flex-wrap: wrap; gap: 1rem; align-items: baseline; }
h1 { font-size: 1.4rem; margin: 0; }
h2 { font-size: 1.1rem; margin: 2rem 0 .5rem; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; padding: .35rem .75rem .35rem 0; border-bottom: 1px solid var(--line); vertical-align: top; }
th { font-weight: 600; color: var(--muted); }
td.number, th.number { text-align: right; font-variant-numeric: tabular-nums; }
td.id { font-family: ui-monospace, monospace; font-size: .85rem; overflow-wrap: anywhere; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .25rem 1.5rem; margin: 0; }
dt { color: var(--muted); }
dd { margin: 0; overflow-wrap: anywhere; }
pre { background: var(--soft); border: 1px solid var(--line); border-radius: 6px; padding: .75rem; overflow-x: auto; margin: .25rem 0;
  white-space: pre-wrap; overflow-wrap: anywhere; }
form { display: flex; flex-wrap: wrap; gap: .75rem; align-items: end; margin: 1rem 0; }
label { display: grid; gap: .15rem; color: var(--muted); font-size: .85rem; }
select, input, button { font: inherit; padding: .3rem .6rem; border: 1px solid var(--line); border-radius: 6px; background: var(--soft);
  color: var(--text); }
button { cursor: pointer; }
.muted { color: var(--muted); }
.failed { color: var(--bad); }
.completed { color: var(--good); }
.running { color: var(--busy); }
`;

/** The source of `style-src` that allows {@link STYLE} and no other style (Content Security Policy Level 3, 2.3.1). */
export const STYLE_SOURCE = `'sha256-${createHash('sha256').update(STYLE).digest('base64')}'`;
