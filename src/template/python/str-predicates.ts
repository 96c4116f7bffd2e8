import {methodTable} from './builtin.ts';
import {BLANK, isTitle} from './characters.ts';
import {isPrintable} from './print.ts';

const BLANK_ONLY = new RegExp(`^[${BLANK}]+$`);
const DIGITS =
  /^[\p{Nd}\u00b2\u00b3\u00b9\u1369-\u1371\u19da\u2070\u2074-\u2079\u2080-\u2089\u2460-\u2468\u2474-\u247c\u2488-\u2490\u24ea\u24f5-\u24fd\u24ff\u2776-\u277e\u2780-\u2788\u278a-\u2792]+$/u;
const NUMERIC =
  /^[\p{N}\u3405\u3483\u382a\u3b4d\u4e00\u4e03\u4e07\u4e09\u4e24\u4e5d\u4e8c\u4e94\u4e96\u4ebf-\u4ec0\u4edf\u4ee8\u4f0d\u4f70\u5104\u5146\u5169\u516b\u516d\u5341-\u5345\u534c\u53c1-\u53c4\u56db\u58f1\u58f9\u5e7a\u5efe-\u5eff\u5f0c-\u5f0e\u5f10\u62fe\u634c\u67d2\u6f06\u7396\u767e\u8086\u842c\u8cae-\u8cb4\u8d30\u9621\u9646\u964c\u9678\u96f6]+$/u;
const ALPHANUMERIC = /^[\p{L}\p{N}]+$/u;

const hasCase = (text: string): boolean => /[\p{Lowercase}\p{Uppercase}\p{Lt}]/u.test(text);

export const isLower = (text: string): boolean => hasCase(text) && !/[\p{Uppercase}\p{Lt}]/u.test(text);
export const isUpper = (text: string): boolean => hasCase(text) && !/[\p{Lowercase}\p{Lt}]/u.test(text);
export const isIdentifier = (text: string): boolean => /^[\p{XIDS}_][\p{XIDC}]*$/u.test(text);

/** The questions that a `str` answers about its characters. */
export const STR_PREDICATES = methodTable<string>('str', {
  isalpha: ['', text => /^\p{L}+$/u.test(text)],
  isalnum: [
    '',
    text => ALPHANUMERIC.test(text) || ([...text].every(c => ALPHANUMERIC.test(c) || NUMERIC.test(c)) && text !== ''),
  ],
  isdecimal: ['', text => /^\p{Nd}+$/u.test(text)],
  isdigit: ['', text => DIGITS.test(text)],
  isnumeric: ['', text => NUMERIC.test(text)],
  islower: ['', isLower],
  isupper: ['', isUpper],
  istitle: ['', isTitle],
  isspace: ['', text => BLANK_ONLY.test(text)],
  isascii: ['', text => /^[\0-\x7f]*$/.test(text)],
  isprintable: ['', isPrintable],
  isidentifier: ['', isIdentifier],
});
