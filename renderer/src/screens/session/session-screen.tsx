import { useParams } from '@tanstack/react-router';
import { Page } from '../../components/page.tsx';

export function SessionScreen() {
  const { id } = useParams({ from: '/sessions/$id' });
  return <Page title={id}>{null}</Page>;
}
