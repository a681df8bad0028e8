"""Disclosure control: which figures the public edition withholds, so that nobody can be found in it.

This package decides and blanks; making the file is ``pipelines.publish.public_edition``; what a source declares is
``pipelines.acquire.disclosure_policy``. The guide for operators is ``dbt_project/docs/disclosure.md``.

Who is guarded against
    A reader of the public edition, of its exports, workbook and report, and of every public edition before it, who
    knows how this warehouse computes (code and methods are public) and every denominator that is not small. The reader
    may add, subtract, divide, undo confidence limits, use that counts are not negative, and compare one edition with
    the next. The reader does not have the whole edition.

What is promised
    Of every figure that falls under a policy: no count of 1 to ``min_count`` less 1, no such count of people outside
    the numerator, and no such denominator can be told, nor bounded so closely that it is known to be small. A figure
    that its publisher withholds does not become known here through other figures.

How
    1. ``flags``: every small count, stated or implied (value times denominator, limits of Wilson, Byar and Dobson,
       population of the same area), from the columns as they are, before anything is blanked.
    2. ``identities``: what adds up to what, among sexes, ages, categories, areas, footprints, overlapping periods,
       indicators and sources: proposed from labels and kept only where the numbers bear it out.
    3. ``secondary``: further cells, until no linear programme over these identities bounds a flagged count inside the
       threshold. Whatever an earlier public edition withheld stays withheld: two editions with different partners would
       give both away.
    4. ``blanking``: withheld cells, and everything in any table that was computed from one, following ``columns.yml``,
       which has a decision for every column of every table and refuses one that it does not know.
    5. ``checks``: the finished file, read afresh: nothing small, stated or implied, is left.

A withheld cell is the same whether it is small itself or protects another: value NULL, status ``suppressed``.

What is not promised is listed in the guide: what publishers, documents or earlier editions already show, approximate
inference from models and neighbours, and knowledge of a member of a small group.
"""
