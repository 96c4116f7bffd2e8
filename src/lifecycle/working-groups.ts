import type {Suspect} from './suspects.ts';

type Places = readonly number[];

/** A template may need some apps' pods and fail of others': so many apps are left out, one at a time. */
const MAX_APPS = 8;
const MAX_COMPARED = 100;
/** Groups of one pod of each app: with a quarter of an app bad, some of them is not. */
const SINGLES = 4;

/**
 * Part `part` of `parts` of each app, at least one pod of it: the places of those among the suspects. Parts of a small
 * app overlap.
 */
function partOf(byApp: readonly Places[], part: number, parts: number): Places {
  return byApp.flatMap(places => {
    const from = Math.floor((part * places.length) / parts);
    return places.slice(from, Math.max(from + 1, Math.floor(((part + 1) * places.length) / parts)));
  });
}

const partsOf = (byApp: readonly Places[], parts: number): Places[] =>
  Array.from({length: parts}, (_, part) => partOf(byApp, part, parts));

const singlesOf = (byApp: readonly Places[]): Places[] =>
  Array.from({length: SINGLES}, (_, at) =>
    byApp.flatMap(places => {
      const place = places[at % places.length];
      return place === undefined ? [] : [place];
    }),
  );

/**
 * Groups of suspects with which a template may work, by their places, the likeliest first. Nobody is one of them, and the
 * first, but where that would leave an app without pods that has some (`leavesNobody`): a template may need one of each.
 */
export function deriveWorkingGroups(suspects: readonly Suspect[], leavesNobody: boolean): readonly Places[] {
  const apps = Map.groupBy(suspects.keys(), place => suspects[place]?.pod.app);
  const byApp = [...apps.values()];
  const halves = partsOf(byApp, 2);
  const butOne = byApp.length < 2 ? [] : byApp.slice(0, MAX_APPS).map(own => byApp.filter(one => one !== own).flat());
  const more = [...butOne, ...partsOf(byApp, 4), ...singlesOf(byApp)];
  const groups: Places[] = leavesNobody ? [...halves, [], ...more] : [[], ...halves, ...more];
  const some = groups.filter(group => group.length < suspects.length);
  // Only those of a few may be the same.
  return suspects.length > MAX_COMPARED ? some : [...new Map(some.map(group => [group.join(), group])).values()];
}
