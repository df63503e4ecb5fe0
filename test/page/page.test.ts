import { describe, expect, test } from 'vitest'
import { standing } from '../../src/page/feed.ts'
import { page, pageTitle } from '../../src/page/page.ts'
import { firstPicture, type Picture } from '../../src/page/picture.ts'
import { firstCards } from '../../src/page/to-do.ts'
import { element, type Tree, textOf } from '../../src/page/tree.ts'
import { account, feedAnswer, fine, landed, NOW, statusAnswer, troubled, windowAnswer } from './answers.ts'

function picture(given: Partial<Picture> = {}): Picture {
  return { ...firstPicture('insights.example', Date.parse(NOW) + 130_000), ...given }
}

const words = (given: Partial<Picture>) => page(picture(given)).map(textOf).join(' ').replaceAll('\u202f', ' ')

/** All pieces of a page with a class, in the order of the page. */
function find(trees: readonly (Tree | string)[], name: string): readonly Tree[] {
  return trees.flatMap((tree) => {
    if (typeof tree === 'string') return []
    const own = tree.attributes.class?.split(' ').includes(name) ? [tree] : []
    return [...own, ...find(tree.children, name)]
  })
}

describe('the order of the page', () => {
  test('is that of the questions: what needs a person, what is complete, what is at work, where the hole is', () => {
    const trees = page(picture({ status: troubled() }))
    const text = trees.map(textOf).join(' ')
    const places = ['needs you', 'asks for nothing new', 'timers', 'azure-usage'].map((each) => text.indexOf(each))
    expect(places).toEqual(places.toSorted((a, b) => a - b))
    expect(places[0]).toBeGreaterThan(0)
    expect(find(trees, 'tile').map((tile) => textOf(tile.children[0] ?? ''))).toEqual([
      'needs you',
      'complete',
      'on their way',
      'reports this hour',
    ])
  })

  test('has no list when nothing needs a person, and says so', () => {
    const trees = page(picture({ status: fine() }))
    expect(find(trees, 'card')).toEqual([])
    expect(textOf(find(trees, 'tile')[0] ?? '')).toContain('nothing')
  })
})

describe('cards', () => {
  const { toDo } = troubled()

  test('are five at first, at least one of each kind, in the order of the status', () => {
    const shown = firstCards(toDo)
    expect(shown).toHaveLength(5)
    expect(new Set(shown.map(({ kind }) => kind))).toEqual(new Set(toDo.map(({ kind }) => kind)))
    expect(toDo.filter((each) => shown.includes(each))).toEqual(shown)
  })

  test('say how many more there are, of the same kind where they are', () => {
    expect(words({ status: troubled() })).toContain('and 3 more of the same kind')
    const [window, ...others] = toDo.toReversed()
    const kinds = ['unreadable', 'queue-old', 'feed-stale', 'outdated'] as const
    const mixed = [...kinds.flatMap((kind) => (window ? [{ ...window, kind }] : [])), ...others]
    expect(words({ status: statusAnswer({ toDo: mixed }) })).toContain('and 6 more ')
    expect(find(page(picture({ status: troubled(), allCards: true })), 'card')).toHaveLength(toDo.length)
  })

  test('have their command as it is printed', () => {
    const [first] = find(page(picture({ status: troubled() })), 'command')
    expect(first?.children.map(textOf)).toEqual(['npx partner-insights-sync doctor', 'copy'])
    expect(words({ status: troubled(), copied: 'npx partner-insights-sync feeds push' })).toContain('copied')
  })
})

describe('the overview', () => {
  test('counts as possible only what can be complete: a running window and an accepted gap cannot', () => {
    const windows = landed('2026-12-01T00:00:00Z', 5)
    const feed = feedAnswer('usage', {
      windows,
      complete: 3,
      running: [{ window: windows[4]?.id ?? '', asOf: NOW, rows: 3 }],
      acceptedGaps: [windows[0]?.id ?? ''],
      waiting: 1,
    })
    expect(words({ status: statusAnswer({ feeds: [feed] }) })).toContain('complete 3 of 4')
  })

  test('says what timers, queue and accounts do, and for how long they can sign in', () => {
    const text = words({ status: troubled() })
    for (const part of [
      'provision 4 min ago, asked for 3, left 12 for later',
      'silent since 13:17 UTC',
      '4 messages, the oldest 22 min ago',
      '1 poisoned',
      'the file that the app was given counts; the one that the app was built with is another',
      'waits until 15:05 UTC',
      'sign-in refused since 09:00 UTC',
      'client secret for 12 more days',
      '14 of 20 this hour',
      'seats November 2026',
      '(3 h 12 min)',
    ])
      expect(text).toContain(part)
    const ended = account('default', { credentials: [{ what: 'certificate', endsAt: NOW, daysLeft: -1 }] })
    expect(words({ status: statusAnswer({ accounts: [ended] }) })).toContain('certificate has ended')
  })

  test('names four reports on their way, the slowest first, and counts the rest', () => {
    const windows = landed('2026-12-01T00:00:00Z', 6).map((each) => ({ ...each, state: 'requested' as const }))
    const slow = [
      { window: windows[3]?.id ?? '', state: 'requested' as const, requestedAt: '2026-11-26T02:32:10.000Z' },
    ]
    const text = words({ status: statusAnswer({ feeds: [feedAnswer('usage', { windows, slow })] }) })
    expect(text).toContain('on their way usage September 2026  (12 h)')
    expect(text).toContain('and 2 more')
  })
})

describe('a feed', () => {
  test.each([
    [{ enabled: false, staleSince: NOW }, 'off', 'switched off'],
    [{ blocked: troubled().feeds.find(({ blocked }) => blocked)?.blocked, staleSince: NOW }, 'bad', 'blocked'],
    [{ staleSince: '2026-11-15T00:00:00.000Z' }, 'warn', '11 days late'],
    [{ staleSince: NOW }, 'warn', '1 min late'],
    [{}, 'good', 'fresh'],
  ])('with %o is %s: %s', (given, look, text) => {
    const { blocked, ...rest } = given as { blocked?: NonNullable<ReturnType<typeof feedAnswer>['blocked']> }
    expect(standing(feedAnswer('usage', { ...rest, ...(blocked && { blocked }) }), NOW)).toEqual({ look, words: text })
  })

  test('says what moved, how new its rows are, what it waits for, and its notes', () => {
    const text = words({ status: troubled() })
    for (const part of [
      'September 2026, landed again on 2026-11-12: Revenue 120344.10 → 121002.75; Seats 4012 → 4020',
      'The newest rows end on 2026-11-04, the next are due by',
      'the service no longer lists the column AppId',
      '20 windows of history left',
      'Column Discount, which had values before, has none in 2 windows',
      'Accepted gap: December 2024',
      'earlier: 329 complete, 2 holes',
    ])
      expect(text).toContain(part)
  })

  test('has one cell that the Tab key leads to: the newest, or the one that a person was at', () => {
    const status = statusAnswer({ feeds: [feedAnswer('usage')] })
    const stopsOf = (given: Partial<Picture>) =>
      find(page(picture({ status, ...given })), 'cell')
        .filter(({ attributes }) => attributes.tabindex === '0')
        .map(({ attributes }) => attributes['data-window'])
    const [first, ...others] = status.feeds[0]?.windows.map(({ id }) => id) ?? []
    expect(stopsOf({})).toEqual([others.at(-1)])
    expect(stopsOf({ stops: new Map([['usage', first ?? '']]) })).toEqual([first])
    expect(stopsOf({ stops: new Map([['usage', 'gone']]) })).toEqual([others.at(-1)])
  })

  test('shows all of its windows once it is unfolded', () => {
    const status = troubled()
    const cells = (given: Partial<Picture>) =>
      find(page(picture({ status, ...given })), 'cell').filter((cell) => cell.attributes['data-feed'] === 'teams-apps')
    expect(cells({})).toHaveLength(90)
    expect(cells({ unfolded: new Set(['teams-apps']) })).toHaveLength(421)
  })
})

describe('an opened window', () => {
  const opened = { feed: 'seats', window: '20261001T000000Z_20261101T000000Z' }

  test('shows figures, totals that moved, every attempt and the commands', () => {
    const detail = windowAnswer(opened.feed, opened.window)
    const text = words({ status: troubled(), opened, detail })
    for (const part of [
      'October 2026 seats',
      detail.sentence,
      '18 420, of attempt 2',
      '2.3 MB',
      detail.figures?.sha256 ?? '?',
      detail.figures?.archive ?? '?',
      'check 820 ms · write 4.3 s · count 0 ms',
      'Revenue 120344.10 121002.75',
      'correlation id b1a7c1de-77d1-4b0a-8f3e-2f7f1f1f0c55',
      'npx partner-insights-sync retry seats --month 2026-10',
    ])
      expect(text).toContain(part)
    expect(find(page(picture({ opened, detail })), 'attempts')[0]?.children[1]).toMatchObject({
      children: { length: 3 },
    })
  })

  test('without an entry says so', () => {
    expect(words({ opened, detail: { sentence: 'Nobody has asked for this window yet.' } })).toContain(
      'Nobody has asked',
    )
    expect(words({ opened })).toContain('Reading …')
  })
})

describe('when an answer fails', () => {
  const trouble = { sentence: 'The app answers 503.', refused: false }

  test('the page says so on top, from when it is, and turns grey', () => {
    const trees = page(picture({ status: fine(), trouble }))
    expect(trees.map(({ attributes }) => attributes.class)).toEqual(['top', 'banner', 'old'])
    expect(textOf(trees[1] ?? '')).toContain('The app answers 503. What you see is from 14:32 UTC.')
    expect(pageTitle(picture({ status: troubled(), trouble }))).toMatch(/^\? · /)
  })

  test('a key that is refused can be given anew', () => {
    const text = words({ trouble: { sentence: 'The app refuses the key.', refused: true } })
    expect(text).toContain('Function key')
    expect(text).not.toContain('try now')
  })

  test('the age of the picture stays on it', () => {
    expect(words({ status: fine(), trouble })).toContain('as of 14:32 UTC, 2 min ago')
    expect(words({ status: fine() })).toContain('as of 14:32 UTC, 2 min ago')
  })
})

test('the title of the tab counts what needs a person', () => {
  expect(pageTitle(picture({ status: troubled() }))).toBe('8 things · Partner Insights Sync')
  expect(pageTitle(picture({ status: fine() }))).toBe('Partner Insights Sync')
})

test('an app without feeds says when it reads them', () => {
  expect(words({ status: statusAnswer() })).toContain('The app knows no feeds yet.')
})

test('an element leaves out what is undefined or false, and keeps text as it is', () => {
  expect(element('p', { key: 1, a: true, b: false, c: undefined, d: 0 }, 'x', undefined, ['<b>', ['']])).toEqual({
    tag: 'p',
    key: '1',
    attributes: { a: '', d: '0' },
    children: ['x', '<b>'],
  })
})

test('a feed whose old rows are being removed says so', () => {
  const removed = feedAnswer('old', { enabled: false, removedSince: '2026-11-26T13:00:00.000Z' })
  expect(standing(removed, NOW)).toEqual({ look: 'off', words: 'being removed' })
})

test('a window with another number of rows, or whose rows were removed, says so', () => {
  const opened = { feed: 'seats', window: '20261001T000000Z_20261101T000000Z' }
  const detail = windowAnswer(opened.feed, opened.window)
  if (!detail.figures) throw new Error('no figures')
  const figures = { ...detail.figures, rowsBefore: 18_110, removedAt: '2026-11-20T04:00:00.000Z' }
  const text = words({ status: troubled(), opened, detail: { ...detail, figures } })
  expect(text).toContain('18 420, 18 110 before')
  expect(text).toContain('removed Nov 20 04:00 UTC')
})
