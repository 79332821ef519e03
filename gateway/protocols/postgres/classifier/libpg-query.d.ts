declare module 'libpg-query/wasm/libpg-query.js' {
  /** The Emscripten module behind libpg-query; one call makes one instance with memory of its own. */
  export interface PgQueryInstance {
    lengthBytesUTF8(text: string): number;
    stringToUTF8(text: string, pointer: number, bytes: number): void;
    UTF8ToString(pointer: number): string;
    getValue(pointer: number, type: 'i32'): number;
    _malloc(bytes: number): number;
    _free(pointer: number): void;
    _wasm_parse_query_raw(text: number): number;
    _wasm_free_parse_result(result: number): void;
    _wasm_normalize_query(text: number): number;
    _wasm_free_string(pointer: number): void;
  }
  export default function PgQueryModule(): Promise<PgQueryInstance>;
}
