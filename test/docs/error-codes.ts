/** Every error code that the sources have, and the class that carries it. */
import ts from 'typescript';
import { parse, readSource, sourceFiles, visit } from './source-files.js';

const CODE = /^(FPISA|P4RUNTIME|EMULATOR)_[A-Z0-9_]+$/;

export interface ErrorCodes {
  /** Names of classes by code. */
  readonly classes: ReadonlyMap<string, ReadonlySet<string>>;
  /** `class: code` of each class whose code has no prefix. */
  readonly irregular: readonly string[];
  /** `file: code` of each text that looks like a code, wherever it stands. */
  readonly mentions: readonly { readonly path: string; readonly code: string }[];
}

/** @param folders of the repository's root */
export function errorCodes(folders: readonly string[]): ErrorCodes {
  const trees = sourceFiles(folders)
    .map((path) => ({ path, text: readSource(path) }))
    .filter(({ text }) => /\b(FPISA|P4RUNTIME|EMULATOR)_|\bcode = '/.test(text))
    .map(({ path, text }) => parse(path, text));
  const unions = new Map<string, readonly string[]>();
  /** Classes whose constructor is given the code. */
  const given = new Set<string>();
  for (const tree of trees) {
    visit(tree, (node) => {
      if (ts.isTypeAliasDeclaration(node)) {
        const codes = literalsOf(node.type).filter((each) => CODE.test(each));
        if (codes.length > 0) unions.set(node.name.text, codes);
      } else if (ts.isClassDeclaration(node) && codeParameter(node) !== undefined) given.add(node.name!.text);
    });
  }
  const classes = new Map<string, Set<string>>();
  const irregular: string[] = [];
  const mentions: { path: string; code: string }[] = [];
  const add = (code: string, name: string): void => {
    if (!CODE.test(code)) irregular.push(`${name}: ${code}`);
    classes.set(code, (classes.get(code) ?? new Set()).add(name));
  };
  const ofClass = (node: ts.ClassDeclaration): void => {
    const name = node.name!.text;
    for (const member of node.members) {
      if (ts.isPropertyDeclaration(member) && member.name.getText() === 'code' && member.initializer) {
        for (const code of literalsOf(member.initializer)) add(code, name);
      }
    }
    const type = codeParameter(node)?.type;
    for (const code of (type && unions.get(type.getText())) ?? []) add(code, name);
    visit(node, (each) => {
      if (!ts.isCallExpression(each) || each.expression.kind !== ts.SyntaxKind.SuperKeyword) return;
      const [first] = each.arguments;
      if (first && ts.isStringLiteral(first) && CODE.test(first.text)) add(first.text, name);
    });
  };
  for (const tree of trees) {
    visit(tree, (node) => {
      if (
        ts.isStringLiteral(node) &&
        CODE.test(node.text) &&
        !/(process\.env\[|\.env\(|\benvironment\()$/.test(before(node, tree))
      )
        mentions.push({ path: tree.fileName, code: node.text });
      if (ts.isClassDeclaration(node)) ofClass(node);
      if (!ts.isNewExpression(node) || !given.has(node.expression.getText())) return;
      for (const argument of node.arguments ?? []) {
        if (ts.isStringLiteral(argument) && CODE.test(argument.text)) add(argument.text, node.expression.getText());
      }
    });
  }
  return { classes, irregular, mentions };
}

function codeParameter(node: ts.ClassDeclaration): ts.ParameterDeclaration | undefined {
  return node.members
    .find(ts.isConstructorDeclaration)
    ?.parameters.find((parameter) => parameter.name.getText() === 'code');
}

/** Text just before a node. */
function before(node: ts.Node, tree: ts.SourceFile): string {
  return tree.text.slice(Math.max(0, node.getStart() - 20), node.getStart());
}

function literalsOf(node: ts.Node): string[] {
  const found: string[] = [];
  visit(node, (each) => {
    if (ts.isStringLiteral(each)) found.push(each.text);
  });
  return found;
}
