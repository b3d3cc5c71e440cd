// Texts to begin with, each with questions worth asking, one of them without an answer.
import lighthouses from "../../examples/data/lighthouses.txt?raw";
import { type TextDocument, textDocument } from "./document";
import agreement from "./examples/agreement.txt?raw";
import notes from "./examples/notes.txt?raw";

export interface Example {
  about: string;
  document: TextDocument;
}

function example(name: string, about: string, text: string, questions: string[]): Example {
  return { about, document: { ...textDocument(name, text), questions } };
}

export const examples: Example[] = [
  example("A short history of the lighthouse", "A long article: the answer is somewhere in it.", lighthouses, [
    "Who built a wooden tower on the Eddystone?",
    "Which lighthouse is the oldest in use?",
    "When was the Bell Rock tower lit?",
    "Who invented the telephone?",
  ]),
  example("A rental agreement", "A contract: dates, sums and duties.", agreement, [
    "How much is the deposit?",
    "When does the tenancy begin?",
    "How much notice is needed?",
    "What is the tenant's job?",
  ]),
  example("Notes of a café", "Accents and emoji, each in its place.", notes, [
    "Who repaired the espresso machine?",
    "How many cups were sold on the record day?",
    "What is the new house blend called?",
    "Who owns the café?",
  ]),
];
