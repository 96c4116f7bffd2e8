/** One HTTP answer read to its end. Header names are in lower case; the body is read as UTF-8. */
export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** Takes the bytes of a connection as they come. */
export interface AnswerReader {
  /** The answer, as soon as its declared length is there. */
  feed(chunk: Buffer): Answer | undefined;
  /** The answer of a server that marks its end by closing; undefined when it was cut short. */
  end(): Answer | undefined;
}

const HEAD_END = '\r\n\r\n';

function parseHead(text: string): Pick<Answer, 'status' | 'headers'> {
  const [statusLine = '', ...lines] = text.split('\r\n');
  const headers = lines.map(line => {
    const colon = line.indexOf(':');
    return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()];
  });
  return {status: Number(statusLine.split(' ')[1]), headers: Object.fromEntries(headers)};
}

/** Reads one answer, strictly: a 200 without Content-Length lasts until the server closes. No chunked bodies. */
export function createAnswerReader(): AnswerReader {
  let head: ReturnType<typeof parseHead> | undefined;
  let chunks: Buffer[] = [];
  let bytes = 0;
  const answer = (): Answer | undefined => head && {...head, body: Buffer.concat(chunks).toString('utf8')};
  const lengthOf = ({status, headers}: Pick<Answer, 'status' | 'headers'>): number =>
    status === 204 ? 0 : Number(headers['content-length'] ?? Number.POSITIVE_INFINITY);
  return {
    feed(chunk) {
      chunks.push(chunk);
      bytes += chunk.length;
      if (head === undefined) {
        const all = Buffer.concat(chunks);
        const end = all.indexOf(HEAD_END);
        if (end < 0) return undefined;
        head = parseHead(all.toString('latin1', 0, end));
        const body = all.subarray(end + HEAD_END.length);
        chunks = [body];
        bytes = body.length;
      }
      return bytes >= lengthOf(head) ? answer() : undefined;
    },
    end: () => (head !== undefined && lengthOf(head) === Number.POSITIVE_INFINITY ? answer() : undefined),
  };
}
