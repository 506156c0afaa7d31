-- Whether a browser is still on its way in another tab is asked at every way back.
create index signin_flows_browser on signin_flows (browser);
