import { administrationStrings } from './strings/administration.ts';
import { approvalsStrings } from './strings/approvals.ts';
import { auditStrings } from './strings/audit.ts';
import { commandPreviewStrings } from './strings/command-preview.ts';
import { connectionsStrings } from './strings/connections.ts';
import { evidenceStrings } from './strings/evidence.ts';
import { generalStrings } from './strings/general.ts';
import { grantsStrings } from './strings/grants.ts';
import { homeStrings } from './strings/home.ts';
import { insightsStrings } from './strings/insights.ts';
import { loginStrings } from './strings/login.ts';
import { mcpStrings } from './strings/mcp.ts';
import { passkeyStrings } from './strings/passkeys.ts';
import { policyStrings } from './strings/policy.ts';
import { popupStrings } from './strings/popup.ts';
import { sessionsStrings } from './strings/sessions.ts';
import { settingsStrings } from './strings/settings.ts';
import { shellStrings } from './strings/shell.ts';
import { statementPreviewStrings } from './strings/statement-preview.ts';

/** Every English sentence of the console; one file an area, one name for all of them. */
export const strings = {
  ...generalStrings,
  ...shellStrings,
  ...loginStrings,
  ...homeStrings,
  ...approvalsStrings,
  ...commandPreviewStrings,
  ...statementPreviewStrings,
  ...popupStrings,
  ...grantsStrings,
  ...sessionsStrings,
  ...connectionsStrings,
  ...mcpStrings,
  ...passkeyStrings,
  ...policyStrings,
  ...insightsStrings,
  ...settingsStrings,
  ...administrationStrings,
  ...evidenceStrings,
  ...auditStrings,
} as const;
