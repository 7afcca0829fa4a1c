"""Shows why tests were skipped, and the count last, from the XML report of `swift test`.

    count_tests.py REPORT
"""

import sys
import xml.etree.ElementTree as ElementTree

try:
    cases = list(ElementTree.parse(sys.argv[1]).iter("testcase"))
except (FileNotFoundError, ElementTree.ParseError):
    sys.exit("test: the tests ended before they could count themselves; the reason is above")
skipped = [case for case in cases if case.find("skipped") is not None]
failed = [case for case in cases if case.find("failure") is not None]
for case in skipped:
    print(f"skipped: {case.get('classname')}.{case.get('name')}: {case.find('skipped').text}")
print(f"{len(cases) - len(skipped) - len(failed)} passed, {len(failed)} failed, {len(skipped)} skipped")
