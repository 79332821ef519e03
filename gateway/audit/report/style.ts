/** The report's own style sheet: no fonts, pictures or anything else is fetched. */
export const STYLE = `
:root{--ink:#1a1d21;--muted:#5c6470;--line:#d9dde3;--soft:#f4f6f8;--accent:#1f4e79;--good:#17683e;--bad:#a3211a;--warn:#7a4d00;color-scheme:light}
*{box-sizing:border-box}
body{margin:0;background:#fff;color:var(--ink);font:15px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"Noto Sans","DejaVu Sans",sans-serif}
main{max-width:1040px;margin:0 auto;padding:40px 32px 80px}
header{border-bottom:3px solid var(--accent);padding-bottom:16px;margin-bottom:8px}
h1{font-size:30px;line-height:1.2;margin:4px 0 8px}
h2{font-size:21px;margin:40px 0 12px;padding-bottom:4px;border-bottom:1px solid var(--line)}
h3{font-size:16px;margin:22px 0 8px}
p{margin:0 0 10px}
a{color:var(--accent)}
small,.by,.brand,dt{color:var(--muted)}
.brand{letter-spacing:.04em;margin:0;font-weight:600}
.by{margin:0}
code,pre{font-family:ui-monospace,"SF Mono",Menlo,Consolas,"DejaVu Sans Mono",monospace;font-size:13px}
pre{margin:6px 0 0;padding:8px 10px;background:var(--soft);border-radius:4px;white-space:pre-wrap;overflow-wrap:anywhere}
ul{margin:0 0 10px;padding-left:20px}
li{margin:3px 0}
.cards{display:grid;grid-template-columns:repeat(auto-fit,minmax(190px,1fr));gap:14px}
.card{display:block;border:1px solid var(--line);border-left:5px solid var(--accent);border-radius:6px;padding:14px 16px;text-decoration:none;color:var(--ink)}
.card b{display:block;font-size:24px;line-height:1.2}
.card span{color:var(--muted)}
.card.good{border-left-color:var(--good)}.card.bad{border-left-color:var(--bad)}.card.warn{border-left-color:var(--warn)}
table{width:100%;border-collapse:collapse;margin:8px 0 14px;font-size:14px}
th{text-align:left;white-space:nowrap;color:var(--muted);font-weight:600;border-bottom:2px solid var(--line);padding:6px 10px 6px 0}
td{vertical-align:top;border-bottom:1px solid var(--line);padding:7px 10px 7px 0;overflow-wrap:anywhere}
td ul{margin:0}
table.figures td:first-child{width:34%}
.rail{fill:#e8ecf1}.fill{fill:var(--accent)}
.badge{display:inline-block;border-radius:4px;border:1px solid currentColor;padding:0 7px;font-size:12px;line-height:19px;font-weight:600;white-space:nowrap;color:var(--muted);background:#fff}
.badge.good{color:var(--good)}.badge.bad{color:#fff;background:var(--bad);border-color:var(--bad)}.badge.warn{color:var(--warn)}.badge.info{color:var(--accent)}
.finding,.session{border:1px solid var(--line);border-radius:6px;padding:2px 16px 8px;margin:0 0 12px}
.finding{border-left-width:5px}.finding.bad{border-left-color:var(--bad)}.finding.warn{border-left-color:var(--warn)}.finding.info{border-left-color:var(--accent)}
.finding h3,.session h3{margin:12px 0 6px}
.evidence,.refs{font-size:13px;color:var(--muted)}
.refs a{margin-right:6px;white-space:nowrap}
dl{display:grid;grid-template-columns:repeat(auto-fit,minmax(210px,1fr));gap:4px 18px;margin:0 0 10px}
dt{font-size:12px}dd{margin:0}
:target{outline:3px solid #f2c94c;outline-offset:2px}
@page{size:A4;margin:16mm 14mm}
@media print{main{max-width:none;padding:0}body{font-size:11px}h2{break-after:avoid}h3{break-after:avoid}.finding,.session,tr,.card{break-inside:avoid}thead{display:table-header-group}a{color:inherit;text-decoration:none}.badge.bad{color:var(--bad);background:#fff}table{font-size:10px}}
`;
