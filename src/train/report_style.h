// The style sheet of report.html.
#pragma once

#include <string_view>

namespace spanqa {

constexpr std::string_view kReportStyle = R"(
:root{color-scheme:light dark;--paper:#fbfbf9;--ink:#1c2126;--soft:#66707a;--rule:#e3e6e9;--accent:#1f5fa8;--wash:#f2f4f5;
 --mark:#fde9c9;--good:#2d7d5a;--bad:#b3391f}
@media (prefers-color-scheme:dark){:root{--paper:#14181c;--ink:#e7eaed;--soft:#98a2ac;--rule:#2a3037;--accent:#79b3f2;
 --wash:#1c2227;--mark:#5a4320;--good:#79c9a3;--bad:#f08d76}}
@media print{:root{color-scheme:light;--paper:#fff;--ink:#000;--soft:#444;--rule:#ccc;--accent:#1f5fa8;--wash:#f4f4f4;
 --mark:#fde9c9;--good:#2d7d5a;--bad:#b3391f}}
*{box-sizing:border-box}
html{-webkit-text-size-adjust:100%}
body{margin:0;background:var(--paper);color:var(--ink);font:15px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,
 "Liberation Sans",sans-serif;font-variant-numeric:tabular-nums}
main{max-width:960px;margin:0 auto;padding:40px 24px 64px}
header{border-bottom:1px solid var(--rule);padding-bottom:20px}
h1{font-size:28px;line-height:1.2;margin:2px 0 6px;font-weight:650;letter-spacing:-.01em;overflow-wrap:anywhere}
h2{font-size:18px;margin:44px 0 16px;font-weight:650}
p{margin:0 0 8px}
.over{color:var(--accent);font-size:12px;font-weight:600;letter-spacing:.07em;text-transform:uppercase}
.soft{color:var(--soft)}
.small{font-size:13px}
header p.small{margin:0 0 2px}
.tiles{display:grid;grid-template-columns:repeat(4,1fr);margin:0;border-bottom:1px solid var(--rule)}
.tiles div{padding:16px 12px 14px 0}
.tiles dt{color:var(--soft);font-size:13px}
.tiles dd{margin:0;font-size:24px;line-height:1.25;font-weight:600;letter-spacing:-.01em}
.tiles small{display:block;font-size:12px;font-weight:400;letter-spacing:0;color:var(--soft)}
.grid{display:grid;grid-template-columns:repeat(2,minmax(0,1fr));gap:32px 40px;align-items:start}
.grid>div>figure+figure{margin-top:28px}
figure{margin:0;min-width:0;break-inside:avoid}
details{margin-top:4px;font-size:13px}
summary{cursor:pointer;color:var(--soft);width:max-content;max-width:100%}
summary:hover{color:var(--accent)}
.scroll{overflow-x:auto;max-height:320px;overflow-y:auto;margin-top:6px}
.wide{overflow-x:auto}
table{border-collapse:collapse;width:100%;font-size:13px}
th,td{text-align:right;padding:4px 0 4px 16px;border-bottom:1px solid var(--rule);white-space:nowrap;font-weight:400}
thead th{color:var(--soft);font-weight:500}
th:first-child,td:first-child{text-align:left;padding-left:0}
tr.best td,tr.best th{font-weight:600}
.errors{list-style:none;margin:0;padding:0;border-top:1px solid var(--rule)}
.errors li{padding:14px 0;border-bottom:1px solid var(--rule);break-inside:avoid;overflow-wrap:anywhere}
.errors h3{font-size:15px;margin:0 0 4px;font-weight:600}
.errors dl{display:grid;grid-template-columns:88px minmax(0,1fr);gap:1px 12px;margin:0}
.errors dt{color:var(--soft);font-size:13px;line-height:1.75}
.errors dd{margin:0}
.bad{color:var(--bad)}
.good{color:var(--good)}
mark{background:var(--mark);color:inherit;border-radius:2px;padding:0 2px}
.recipe{columns:2;column-gap:40px;margin:0}
.recipe div{display:flex;justify-content:space-between;gap:16px;padding:3px 0;border-bottom:1px solid var(--rule);
 break-inside:avoid;font-size:13px}
.recipe dt{color:var(--soft);flex:none}
.recipe dd{margin:0;text-align:right;overflow-wrap:anywhere;min-width:0}
pre{background:var(--wash);border-radius:6px;padding:12px 14px;margin:0 0 20px;white-space:pre-wrap;overflow-wrap:anywhere;
 font:13px/1.5 ui-monospace,"SF Mono",Menlo,Consolas,"Liberation Mono",monospace}
footer{margin-top:44px;color:var(--soft);font-size:13px}
@media (max-width:700px){main{padding:24px 16px 40px}th,td{padding-left:8px}h1{font-size:23px}h2{margin-top:36px}
 .tiles{grid-template-columns:repeat(2,1fr)}.grid{grid-template-columns:minmax(0,1fr);gap:28px}.recipe{columns:1}
 .errors dl{grid-template-columns:minmax(0,1fr);gap:0}.errors dd{margin-bottom:4px}}
@media print{main{max-width:none;padding:0}body{font-size:11pt}details{display:none}h2,h2+p{break-after:avoid}}
)";

}  // namespace spanqa
