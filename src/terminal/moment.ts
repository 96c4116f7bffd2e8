/** `2026-11-28 23:10:11 UTC`: what is pasted into a ticket must say when, wherever it is read. Local time, with its zone. */
export function formatMoment(at: number): string {
  const date = new Date(at);
  const zone = new Intl.DateTimeFormat('en-GB', {timeZoneName: 'short'})
    .formatToParts(date)
    .find(({type}) => type === 'timeZoneName')?.value;
  return `${date.toLocaleDateString('sv-SE')} ${date.toLocaleTimeString('en-GB')} ${zone ?? 'UTC'}`;
}
