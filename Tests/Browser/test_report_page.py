#!/usr/bin/env python3
"""Looks at `billing report --format html` in a real browser, with a database that this test makes.

Pictures and PDF files are left in .build/browser for people.
"""

import os
import pathlib
import subprocess
import sys
import unittest

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
BUILD = os.environ.get("METERING_BUILD", f"{ROOT}/.build/debug")
PICTURES = ROOT / ".build" / "browser"
sys.path.insert(0, str(HERE))

from chromium import Chromium  # noqa: E402
from private_postgres import PrivatePostgres  # noqa: E402

WIDTHS = (360, 768, 1200)
SCHEMES = ("light", "dark")

# Every element that holds text, with the contrast of its colour to what lies behind it.
CONTRASTS = """(() => {
  const canvas = document.createElement('canvas').getContext('2d', {willReadFrequently: true});
  const rgb = text => { canvas.clearRect(0, 0, 1, 1); canvas.fillStyle = text; canvas.fillRect(0, 0, 1, 1);
    return [...canvas.getImageData(0, 0, 1, 1).data]; };
  const light = ([r, g, b]) => [r, g, b].map(c => c / 255)
    .map(c => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4)
    .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
  const behind = element => { for (let e = element; e; e = e.parentElement) {
    const color = rgb(getComputedStyle(e).backgroundColor); if (color[3] === 255) return color; }
    return [255, 255, 255, 255]; };
  const found = [];
  for (const element of document.body.querySelectorAll('*')) {
    const hasText = [...element.childNodes].some(n => n.nodeType === 3 && n.textContent.trim());
    if (!hasText || element.closest('title')) continue;
    const isDrawn = element.closest('svg'), style = getComputedStyle(element);
    const [front, back] = [rgb(isDrawn ? style.fill : style.color), behind(element)].map(light);
    const ratio = (Math.max(front, back) + 0.05) / (Math.min(front, back) + 0.05);
    if (ratio < 4.5) found.push(element.tagName + ' ' + element.textContent.slice(0, 30) + ' ' + ratio.toFixed(2));
  }
  return found;
})()"""

# Texts of one drawing that lie on each other, or stick out of it.
COLLISIONS = """(() => {
  const found = [];
  for (const svg of document.querySelectorAll('svg[role=img]')) {
    const frame = svg.getBoundingClientRect();
    const boxes = [...svg.querySelectorAll('text')].map(t => {
      const box = t.getBoundingClientRect(), cut = t.closest('svg.cut')?.getAttribute('width');
      const end = cut ? frame.left + frame.width * parseFloat(cut) / 100 : box.right;
      return [t.textContent, {left: box.left, right: Math.min(box.right, end), top: box.top, bottom: box.bottom}];
    });
    boxes.forEach(([text, a], i) => {
      if (a.left < frame.left - 12 || a.right > frame.right + 12) found.push('sticks out: ' + text);
      boxes.slice(i + 1).forEach(([other, b]) => {
        if (a.left < b.right && b.left < a.right && a.top + 2 < b.bottom && b.top + 2 < a.bottom)
          found.push(text + ' lies on ' + other);
      });
    });
  }
  return found;
})()"""

OVERFLOWS = """(() => {
  const width = document.documentElement.clientWidth, found = [];
  if (document.documentElement.scrollWidth > width) found.push('the page: ' + document.documentElement.scrollWidth);
  for (const element of document.body.querySelectorAll('*')) {
    if (element.closest('.scroll, svg, .skip, .unseen')) continue;
    const box = element.getBoundingClientRect();
    if (box.width > 0 && (box.right > width + 0.5 || box.left < -0.5))
      found.push(element.tagName + '.' + element.className + ' ' + box.left + '…' + box.right);
    if (element.matches('.tile, .tile *') && element.scrollWidth > element.clientWidth + 1 && element.clientWidth)
      found.push('text wider than its tile: ' + element.textContent);
  }
  return found;
})()"""


NAMES = """(() => {
  const texts = ids => (ids || '').split(' ').map(id => document.getElementById(id)?.textContent.trim() ?? '');
  return [...document.querySelectorAll('svg:not(svg svg), table')]
    .filter(e => (e.tagName === 'svg' && e.getAttribute('role') !== 'img')
      || texts(e.getAttribute('aria-labelledby')).some(t => t === '')).map(e => e.outerHTML.slice(0, 80));
})()"""

MARKUP = """[...document.querySelectorAll('script, img, iframe, link, object, embed')].map(e => e.outerHTML.slice(0, 80))
  .concat([...document.querySelectorAll('*')].flatMap(e => [...e.attributes]).filter(a => a.name.startsWith('on')
    || a.name === 'style' || a.name === 'href' && !a.value.startsWith('#')).map(a => a.name + '=' + a.value))"""


class Look:
    """What one page is on one width in one scheme."""

    def __init__(self, browser, name, path, width, scheme):
        browser.complaints.clear()
        browser.open(path, width, scheme=scheme)
        browser.screenshot(PICTURES / f"{name}-{width}-{scheme}.png")
        self.where = dict(page=name, width=width, scheme=scheme)
        self.overflows = browser.value(OVERFLOWS)
        self.collisions = browser.value(COLLISIONS)
        self.contrasts = browser.value(CONTRASTS)
        self.unnamed = browser.value(NAMES)
        self.markup = browser.value(MARKUP)
        self.style = browser.value("getComputedStyle(document.body).maxWidth")
        self.back = browser.value("getComputedStyle(document.body).backgroundColor")
        self.head = browser.value("[document.documentElement.lang, document.title]")
        self.bare_headers = browser.value("document.querySelectorAll('th:not([scope])').length")
        self.headings = browser.value("[...document.querySelectorAll('tbody th')].map(t => t.textContent)")
        self.counts = browser.value(
            "({image: document.querySelectorAll('svg[role=img]').length,"
            " table: document.querySelectorAll('table').length})")
        browser.value("document.querySelectorAll('details').forEach(d => d.open = true)")
        tree = browser.accessible() if width == WIDTHS[0] and scheme == SCHEMES[0] else None
        self.names = tree and {role: [name for kind, name in tree if kind == role] for role in ("image", "table")}
        if width == WIDTHS[-1]:
            self.pdf = browser.pdf(PICTURES / f"{name}-{scheme}.pdf")
        else:
            self.pdf = None
        self.complaints = list(browser.complaints)


class ReportPage(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        PICTURES.mkdir(parents=True, exist_ok=True)
        seed = (HERE / "seed.sql").read_text()
        with PrivatePostgres() as server:
            pages = {
                "many": cls.make(server, "many", seed),
                "empty": cls.make(server, "empty", ""),
                "few": cls.make(server, "few", seed, "--plan", "none", "--top", "3"),
                "crowd": cls.make(server, "crowd", (HERE / "crowd.sql").read_text(), "--sort", "-api_calls"),
            }
        cls.browser = cls.enterClassContext(Chromium())
        cls.looks = [
            Look(cls.browser, name, path, width, scheme)
            for name, path in pages.items() for width in WIDTHS for scheme in SCHEMES]

    @staticmethod
    def make(server, name, seed, *arguments):
        url = server.migrated(name, BUILD)
        if seed:
            server.psql(name, seed)
        path = PICTURES / f"{name}.html"
        subprocess.run(
            [f"{BUILD}/billing", "report", "--format", "html", "--output", str(path), *arguments],
            env=dict(os.environ, DATABASE_URL=url), check=True)
        return path

    def each(self, check):
        for look in self.looks:
            with self.subTest(**look.where):
                check(look)

    def test_it_is_quiet_and_asks_for_nothing(self):
        self.each(lambda look: self.assertEqual(look.complaints, []))

    def test_a_complaint_would_be_seen(self):
        loud = PICTURES / "loud.html"
        loud.write_text(
            "<!doctype html><meta http-equiv=Content-Security-Policy content=\"default-src 'none'\">"
            "<p style='color:red'>x<script>alert(1)</script><img src=https://nowhere.invalid/x.png>")
        self.browser.complaints.clear()
        self.browser.open(loud, 360)
        self.assertGreaterEqual(len(self.browser.complaints), 3)

    def test_its_style_is_the_one_that_its_policy_allows(self):
        self.each(lambda look: self.assertEqual(look.style, "1216px"))

    def test_nothing_sticks_out_on_any_width(self):
        self.each(lambda look: self.assertEqual(look.overflows, []))

    def test_no_text_of_a_chart_lies_on_another(self):
        self.each(lambda look: self.assertEqual(look.collisions, []))

    def test_every_text_can_be_read(self):
        self.each(lambda look: self.assertEqual(look.contrasts, []))

    def test_both_schemes_differ(self):
        backs = {scheme: {look.back for look in self.looks if look.where["scheme"] == scheme} for scheme in SCHEMES}
        self.assertEqual([len(back) for back in backs.values()], [1, 1])
        self.assertNotEqual(backs["light"], backs["dark"])

    def test_every_chart_and_table_has_a_name(self):
        def check(look):
            self.assertEqual(look.unnamed, [])
            self.assertEqual(look.bare_headers, 0)
            self.assertEqual(look.head[0], "en")
            self.assertTrue(look.head[1].startswith("Billing report for "))
            if look.names:
                for role, names in look.names.items():
                    self.assertEqual(len(names), look.counts[role], role)
                    self.assertNotIn("", names, role)
            if look.where["page"] == "many":
                self.assertEqual(look.counts, {"image": 9, "table": 3})
        self.each(check)

    def test_what_people_typed_stays_text(self):
        self.each(lambda look: self.assertEqual(look.markup, []))
        many = next(look for look in self.looks if look.where["page"] == "many")
        self.assertTrue(any("<script>alert(1)</script>" in heading for heading in many.headings))

    def test_it_can_be_printed(self):
        printed = [look.pdf for look in self.looks if look.pdf]
        self.assertEqual(len(printed), 8)
        for pdf in printed:
            self.assertTrue(pdf.startswith(b"%PDF-") and len(pdf) > 10_000)


if __name__ == "__main__":
    unittest.main(verbosity=2)
