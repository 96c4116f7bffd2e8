import {type Exchange, exchange, type Outcome} from './exchange.ts';
import {serveHelper} from './helper.ts';

serveHelper<Exchange, Outcome>(exchange);
