/** JSON Schema as OpenAPI 3.1 uses it, and the pieces that its documents are made of. */
export type Schema = Readonly<Record<string, unknown>>;

export const text: Schema = {type: 'string'};
export const flag: Schema = {type: 'boolean'};
export const count: Schema = {type: 'integer', minimum: 0};
export const number: Schema = {type: 'number'};
export const at: Schema = {type: 'integer', description: 'Epoch milliseconds.'};
export const listOf = (items: Schema): Schema => ({type: 'array', items});
export const mapOf = (additionalProperties: Schema): Schema => ({type: 'object', additionalProperties});
export const orNull = (schema: Schema): Schema => ({anyOf: [schema, {type: 'null'}]});
export const oneOf = (...names: readonly string[]): Schema => ({type: 'string', enum: names});
export const object = (properties: Readonly<Record<string, Schema>>, optional: readonly string[] = []): Schema => ({
  type: 'object',
  required: Object.keys(properties).filter(name => !optional.includes(name)),
  properties,
});
export const ref = (name: string): Schema => ({$ref: `#/components/schemas/${name}`});
