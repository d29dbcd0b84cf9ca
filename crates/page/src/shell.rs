//! The page around everything: one file, no network, no script, light and dark,
//! and fit to print.

use crate::Markup;
use crate::chart::CHART_STYLE;

/// How a page's first words are meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tone {
    /// All is well.
    Good,
    /// Look here.
    Attention,
    /// Stop.
    Bad,
    /// Neither good nor bad.
    Plain,
}

impl Tone {
    const fn class(self) -> &'static str {
        match self {
            Self::Good => "verdict good",
            Self::Attention => "verdict attention",
            Self::Bad => "verdict bad",
            Self::Plain => "verdict plain",
        }
    }
}

/// A page that stands alone.
///
/// ```
/// use countersign_page::{Markup, Page, Tone};
/// let page = Page {
///     title: "Trend",
///     tone: Tone::Plain,
///     word: "cannot tell",
///     headline: "No exposure is recorded.",
///     notes: &[],
/// };
/// let html = page.html(&Markup::new());
/// assert!(html.starts_with("<!doctype html>") && !html.contains("://"));
/// ```
#[derive(Debug, Clone, Copy)]
pub struct Page<'a> {
    /// What the browser's tab and bookmarks say.
    pub title: &'a str,
    /// How the word is meant.
    pub tone: Tone,
    /// The verdict in a word or two.
    pub word: &'a str,
    /// The verdict in a sentence.
    pub headline: &'a str,
    /// Lines under it.
    pub notes: &'a [String],
}

impl Page<'_> {
    /// The whole document.
    #[must_use]
    pub fn html(&self, body: &Markup) -> String {
        let mut page = Markup::new();
        page.raw("<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n")
            .raw("<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n")
            .raw("<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n");
        page.element("title", &[], |title| {
            title.text(self.title);
        });
        page.raw("\n<style>")
            .raw(STYLE)
            .raw(CHART_STYLE)
            .raw("</style>\n</head>\n<body>\n<main>\n");
        page.element("header", &[("class", self.tone.class())], |header| {
            header.line("p", "word", self.word);
            header.line("h1", "", self.headline);
            for note in self.notes {
                header.line("p", "", note);
            }
        });
        page.raw("\n").push(body).raw("</main>\n</body>\n</html>\n");
        page.into_string()
    }
}

const STYLE: &str = "\
:root{color-scheme:light dark;--page:#fff;--ink:#1b1f24;--faint:#57606a;--line:#d8dee4;--card:#f6f8fa;--good:#1a7f37;--attention:#9a6700;--bad:#c0292b}\
@media(prefers-color-scheme:dark){:root{--page:#14181d;--ink:#eef1f4;--faint:#a5afb9;--line:#343c45;--card:#1d232a;--good:#57c271;--attention:#e3b341;--bad:#ff7b72}}\
*{box-sizing:border-box}body{margin:0;background:var(--page);color:var(--ink);font:16px/1.5 system-ui,sans-serif}\
main{max-width:62rem;margin:0 auto;padding:1.5rem 1.25rem 4rem}\
.verdict{border-left:.5rem solid var(--faint);border-radius:.4rem;background:var(--card);padding:1rem 1.25rem}\
.verdict .word{margin:0;font-weight:700;letter-spacing:.08em;text-transform:uppercase}.verdict h1{margin:.1rem 0 0;font-size:1.5rem;line-height:1.3;color:var(--ink);text-wrap:pretty}\
.verdict p{margin:.35rem 0 0}.good{border-color:var(--good)}.attention{border-color:var(--attention)}.bad{border-color:var(--bad)}\
.good .word{color:var(--good)}.attention .word{color:var(--attention)}.bad .word{color:var(--bad)}\
section{margin-top:2.25rem}h2{font-size:1.15rem;margin:0 0 .6rem;line-height:1.3}h3{font-size:1rem;margin:1.2rem 0 .3rem}small{font-weight:400;color:var(--faint)}\
p{margin:.35rem 0;max-width:46rem}ul{margin:0;padding-left:1.2rem}li{max-width:46rem}.lead{font-size:1.15rem;padding:0;list-style:none}.lead li{padding:.15rem 0}.lead li:first-child{font-weight:600}\
.say{font-size:1.1rem;text-wrap:pretty}.soft{color:var(--faint)}.soft ul,.fine{font-size:.92rem;color:var(--faint)}\
figure{margin:.8rem 0;padding:.75rem .5rem .25rem;overflow-x:auto;border:1px solid var(--line);border-radius:.4rem}figure svg{display:block;margin:0 auto;max-width:100%;height:auto}figcaption{font-weight:600;padding:0 .5rem .25rem}\
.rule{border-left:.25rem solid var(--attention);padding:.1rem 0 .1rem .9rem;margin:.8rem 0}.rule.met{border-color:var(--good)}.rule.refused{border-color:var(--bad)}.rule p{margin:.15rem 0}.rule h3{margin:0}\
.sign{margin:.6rem 0;font-weight:600}.sign span{font-weight:400;color:var(--faint)}\
.wide{overflow-x:auto;margin:.4rem 0 1.1rem}table{border-collapse:collapse;width:100%;font-size:.92rem;font-variant-numeric:tabular-nums}th{text-align:left;font-weight:600}tbody th{font-weight:400}th,td{padding:.35rem .8rem .35rem 0;border-bottom:1px solid var(--line);vertical-align:top}.word{white-space:nowrap}\
.stake td:first-child{color:var(--bad);font-weight:700}code{font:.9em ui-monospace,monospace;overflow-wrap:anywhere}\
.unseen{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%);white-space:nowrap}\
details{margin:.4rem 0}summary{cursor:pointer;color:var(--faint);font-size:.92rem}details[open] summary{margin-bottom:.4rem}\
dl{display:grid;grid-template-columns:max-content 1fr;gap:.25rem 1.25rem;margin:0}dt{color:var(--faint)}dd{margin:0;overflow-wrap:anywhere}\
@media(max-width:36rem){dl{grid-template-columns:1fr;gap:0}dd{margin-bottom:.5rem}.verdict h1{font-size:1.25rem}th,td{padding-right:.5rem}figure svg{max-width:none;width:36rem;margin:0}}\
.stages{padding:0;list-style:none}.stages li{margin:.5rem 0}.stages span{color:var(--faint)}.bar{position:relative;display:block;height:.6rem;margin-top:.2rem;border-radius:.3rem;background:var(--line);overflow:hidden;print-color-adjust:exact}\
.bar i{position:absolute;inset:0 auto 0 0;border-radius:.3rem}.bar .most{background:var(--attention);opacity:.35}.bar .likely{background:var(--bad)}\
@media print{@page{margin:16mm 14mm}:root{color-scheme:light;--page:#fff;--ink:#000;--faint:#444;--line:#bbb;--card:#fff;--good:#1a7f37;--attention:#7a5200;--bad:#a32124}\
body{font-size:10.5pt}main{max-width:none;padding:0}h2,h3,figcaption{break-after:avoid}article,figure,tr{break-inside:avoid}thead{display:table-header-group}.page-break{break-before:page}\
.verdict{outline:1px solid var(--line);break-inside:avoid;print-color-adjust:exact}details:not([open]){display:none}}";
