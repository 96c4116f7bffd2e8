import assert from 'node:assert/strict';
import {describe, test} from 'node:test';
import {createChangeFeed, type MemberChange} from '../../src/members/change-feed.ts';
import {memberOf} from './fixtures.ts';

const changeOf = (version: number, events = 1): MemberChange => ({
  version,
  cause: 'restored',
  events: Array.from({length: events}, () => ({is: 'restored', member: memberOf()})),
  at: version,
});

/** Follows a feed; the versions of what it told. */
function versionsOf(feed: ReturnType<typeof createChangeFeed>): number[] {
  const versions: number[] = [];
  feed.follow(({version}) => versions.push(version));
  return versions;
}

describe('change feed', () => {
  test('nobody follows -> the newest changes are kept, the bound is in events', () => {
    const feed = createChangeFeed(10);
    for (let version = 1; version <= 5; version++) feed.tell(changeOf(version, 3));
    assert.deepEqual(versionsOf(feed), [3, 4, 5]);
  });

  test('events exactly up to the bound -> all are kept; one more -> the oldest change is not', () => {
    const full = createChangeFeed(4);
    for (let version = 1; version <= 4; version++) full.tell(changeOf(version));
    assert.deepEqual(versionsOf(full), [1, 2, 3, 4]);
    const over = createChangeFeed(4);
    for (let version = 1; version <= 5; version++) over.tell(changeOf(version));
    assert.deepEqual(versionsOf(over), [2, 3, 4, 5]);
  });

  test('the bound where nobody names one -> 50,000 events', () => {
    const feed = createChangeFeed();
    for (const [version, events] of [49_999, 1, 0].entries()) feed.tell(changeOf(version, events));
    feed.tell(changeOf(3, 0));
    assert.deepEqual(versionsOf(feed), [0, 1, 2, 3]);
    const over = createChangeFeed();
    for (const [version, events] of [49_999, 2].entries()) over.tell(changeOf(version, events));
    assert.deepEqual(versionsOf(over), [1]);
  });

  test('one change beyond the bound -> is told all the same', () => {
    const feed = createChangeFeed(10);
    feed.tell(changeOf(1));
    feed.tell(changeOf(2, 11));
    assert.deepEqual(versionsOf(feed), [2]);
  });

  test('a follower that brings about changes while it is told -> all in their order', () => {
    const feed = createChangeFeed();
    feed.tell(changeOf(1));
    feed.tell(changeOf(2));
    const versions: number[] = [];
    feed.follow(({version}) => {
      versions.push(version);
      if (version === 1) feed.tell(changeOf(3));
    });
    feed.tell(changeOf(4));
    assert.deepEqual(versions, [1, 2, 3, 4]);
  });

  test('another follower -> takes over; nothing is told twice', () => {
    const feed = createChangeFeed();
    feed.tell(changeOf(1));
    const first = versionsOf(feed);
    const second = versionsOf(feed);
    feed.tell(changeOf(2));
    assert.deepEqual([first, second], [[1], [2]]);
  });
});
