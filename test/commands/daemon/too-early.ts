/** What the order of the composition root forbids, for the test of the rule: a start that is told before it may be. */
export function startTooEarly(follow: (onChange: () => void) => void): string[] {
  const heard: string[] = [];
  follow(() => tell('changed'));
  const [first, tell] = ['start', (what: string) => void heard.push(what)] as const;
  tell(first);
  return heard;
}

/** What it allows: functions are there before the statements around them, and names may be used again. */
export function startInOrder(follow: (onChange: () => void) => void): string[] {
  const heard: string[] = [];
  const tell = (what: string) => void heard.push(what);
  follow(later);
  follow(() => tell([1].map(first => `${first} changed`).join()));
  const {first} = {first: 'start'};
  tell(first);
  function later(): void {
    tell(OF_THE_FILE);
  }
  return heard;
}

const OF_THE_FILE = 'later';
