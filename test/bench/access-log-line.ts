/** A typical line of `option httplog`, without what syslog puts before it. */
export const HTTP_MESSAGE =
  '10.0.1.2:33317 [06/Feb/2009:12:14:14.655] http-in static/srv1 10/0/30/69/109 200 2750 - - ---- 1/1/1/1/0 0/0 {1wt.eu} {} "GET /index.html?q=haproxy&page=2 HTTP/1.1"';
